using Gateway.Onboarding.Devices;
using Gateway.Onboarding.Matrix;
using Gateway.Onboarding.Members;
using Gateway.Onboarding.Store;

namespace Gateway.Onboarding.Enrolment;

/// <summary>Gives a device or a member another name. A localpart stays for ever: it is the account.</summary>
public sealed class Renamer(StateWriter writer, Homeserver homeserver, TimeProvider time)
{
    /// <summary>The longest display name that an enrolment takes.</summary>
    private const int LongestName = 100;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    /// <summary>Null where it was done, or was so already.</summary>
    public Refusal? RenameDevice(string word, string name, string by)
    {
        if (!DeviceName.IsValid(name))
        {
            return new(RefusalKind.Invalid, $"'{name}' cannot be a device's name", $"use letters, digits, '.', '_' and '-', at most {DeviceName.MaxLength}, for example 'phone' or 'laptop'");
        }

        return writer.Write<Refusal?>(state =>
        {
            if (state.Find(word) is not [{ IsLive: true } device])
            {
                return (new(RefusalKind.NotFound, $"there is no live device '{word}'", "see 'gateway devices'"), []);
            }

            if (device.Name == name)
            {
                return (null, []);
            }

            return state.DevicesOf(device.Member).Any(other => other.IsLive && other.Name == name)
                ? (new(RefusalKind.Conflict, $"{device.Member} already has a device '{name}'", "choose another name"), [])
                : (null, [new DeviceRenamed(name, by) { At = time.GetUtcNow(), Device = device.Id }]);
        });
    }

    /// <summary>The homeserver first: what others read is what stands here, or nothing has changed.</summary>
    public async Task<Refusal?> RenameMemberAsync(string word, string name, string by, CancellationToken cancellationToken)
    {
        if (name.Trim() is not { Length: > 0 and <= LongestName } displayName || displayName.Any(char.IsControl))
        {
            return new(RefusalKind.Invalid, "that cannot be a display name", $"give 1 to {LongestName} characters in one line");
        }

        if (!Localpart.TryParse(word, null, out var localpart) || writer.Current.Members.GetValueOrDefault(localpart) is not { State: MemberState.Active } member)
        {
            return new(RefusalKind.NotFound, $"there is no member '{word}' with an account", "see 'gateway members'");
        }

        if (member.DisplayName == displayName)
        {
            return null;
        }

        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(Patience);
        try
        {
            await homeserver.SetDisplayNameAsync(localpart, displayName, patience.Token);
        }
        catch (HomeserverException e)
        {
            return new(RefusalKind.Unavailable, e.Message, "see 'gateway status', then try again");
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return new(RefusalKind.Unavailable, "the homeserver does not answer", "see 'gateway status', then try again");
        }

        writer.Write(new MemberRenamed(localpart, displayName, by) { At = time.GetUtcNow() });
        return null;
    }
}
