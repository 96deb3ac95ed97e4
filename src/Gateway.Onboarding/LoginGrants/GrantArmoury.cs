using System.Collections.Immutable;
using Gateway.Onboarding.Devices;
using Gateway.Onboarding.Keys;
using Gateway.Onboarding.Store;

namespace Gateway.Onboarding.LoginGrants;

public abstract record ArmResult
{
    private ArmResult()
    {
    }

    public sealed record Armed(Device Device, LoginCode LoginCode, DateTimeOffset ExpiresAt) : ArmResult;

    public sealed record Refused(Refusal Why) : ArmResult;
}

/// <summary>Makes login grants: with an enrolment, or later by the admin's word. A device has at most one; a new one replaces it.</summary>
public sealed class GrantArmoury(LoginOptions options, TokenHasher hasher, Entropy entropy, TimeProvider time)
{
    /// <summary>A grant for this code. Its time starts now, or with the first handshake where there was none yet.</summary>
    public LoginGrant Make(LoginCode code, string by, DateTimeOffset? firstHandshake, bool armsReset = false)
    {
        var now = time.GetUtcNow();
        return new LoginGrant
        {
            Id = Convert.ToHexStringLower(entropy.Bytes(8)),
            State = GrantState.Armed,
            CodeHash = [.. code.Hash(hasher)],
            ArmedAt = now,
            ArmedBy = by,
            Lifetime = options.Lifetime,
            ExpiresAt = firstHandshake is null ? null : now + options.Lifetime,
            GivenBack = false,
            ArmsReset = armsReset,
        };
    }

    /// <summary>Arms one more login for a live device.</summary>
    public ArmResult Arm(StateWriter writer, string word, string by) =>
        writer.Write<ArmResult>(state =>
        {
            if (state.Find(word) is not [{ IsLive: true } device])
            {
                return (new ArmResult.Refused(new(RefusalKind.NotFound, $"there is no live device '{word}'", "see 'gateway devices'")), []);
            }

            if (device.KeyCopiedAt is not null)
            {
                return (new ArmResult.Refused(Refusal.KeyCopied(device.Label)), []);
            }

            var code = LoginCode.Generate(entropy);
            var grant = Make(code, by, device.FirstHandshake);
            var armed = device with { Grant = grant };
            var ends = grant.ExpiresAt ?? device.EnrolmentEnds + grant.Lifetime;
            return (new ArmResult.Armed(armed, code, ends), ImmutableArray.Create<Intent>(new GrantArmed(grant) { At = grant.ArmedAt, Device = device.Id }));
        });

    /// <summary>Two phones use this key: what is armed for its device is cancelled, and nothing more is armed. Only the first word of it is written down.</summary>
    public void KeyCopied(StateWriter writer, PublicKey key) =>
        writer.Write<bool>(state => state.Devices.Find(key) is { MaySignIn: true } device
            ? (true, [new KeyCopied { At = time.GetUtcNow(), Device = device.Id }])
            : (false, []));
}
