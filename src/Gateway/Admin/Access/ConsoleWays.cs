using System.Collections.Immutable;
using Gateway.Onboarding.Store;
using Microsoft.AspNetCore.Identity;

namespace Gateway.Admin.Access;

/// <summary>
/// The ways in, tried: a passkey, a code of the authenticator app, a link from the command line. Each success and each
/// failure is written down before it counts. Wrong codes are throttled; passkeys and links cannot be guessed, so that
/// whoever types wrong codes never locks the admin out.
/// </summary>
internal sealed class ConsoleWays(StateWriter writer, ConsoleLinks links, TimeProvider time)
{
    // What the session and the audit call each way; a passkey's name follows.
    public const string Link = "a link";
    public const string App = "authenticator app";
    public const string Passkey = "passkey ";

    private const int MostWrongCodes = 5;
    private static readonly TimeSpan WrongCodesFor = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan FailuresFor = TimeSpan.FromMinutes(1);

    private readonly Lock _lock = new();
    private readonly Queue<DateTimeOffset> _wrongCodes = new();
    private DateTimeOffset _failureWritten;

    /// <summary>What it was, for the session and the audit; null where it was none.</summary>
    public string? TryLink(string? secret) => links.Use(secret) ? SignedIn(Link, proves: false) : Failed(Link);

    /// <summary>The answer of an authenticator to the challenge that this browser was given. A second use is a refusal like any other.</summary>
    public async Task<string?> TryPasskeyAsync(SignInManager<ConsoleAdmin> identity, string credential, bool proves)
    {
        PasskeyAssertionResult<ConsoleAdmin> result;
        try
        {
            result = await identity.PerformPasskeyAssertionAsync(credential);
        }
        catch (InvalidOperationException)
        {
            // No challenge, or one that was answered already.
            return Failed("a passkey");
        }

        if (!result.Succeeded || writer.Current.Console.Find(result.Passkey.CredentialId) is not { } passkey)
        {
            return Failed("a passkey");
        }

        return SignedIn(
            Passkey + passkey.Name,
            proves,
            new PasskeyUsed(passkey.CredentialId, result.Passkey.SignCount, result.Passkey.IsBackedUp) { At = time.GetUtcNow() });
    }

    /// <summary>A code of the authenticator app; each is taken once. <c>Wait</c>: too many were wrong.</summary>
    public (string? With, bool Wait) TryCode(string typed, bool proves)
    {
        lock (_lock)
        {
            var now = time.GetUtcNow();
            while (_wrongCodes.TryPeek(out var oldest) && oldest + WrongCodesFor <= now)
            {
                _wrongCodes.Dequeue();
            }

            if (_wrongCodes.Count >= MostWrongCodes)
            {
                return (null, true);
            }

            var taken = writer.Write<bool>(state =>
                state.Console.Code is { } code && Totp.Step(code.Bytes.AsSpan(), typed, now) is { } step && step > code.LastStep
                    ? (true, [new CodeUsed(step) { At = now }, Word(App, proves)])
                    : (false, []));
            if (!taken)
            {
                _wrongCodes.Enqueue(now);
                return (Failed("an authenticator code"), false);
            }

            _wrongCodes.Clear();
            return (App, false);
        }
    }

    /// <summary>Null where the authenticator's answer is none to the challenge that this browser was given.</summary>
    public async Task<Onboarding.Consoles.Passkey?> AddPasskeyAsync(SignInManager<ConsoleAdmin> identity, string credential, string name, string site)
    {
        PasskeyAttestationResult result;
        try
        {
            result = await identity.PerformPasskeyAttestationAsync(credential);
        }
        catch (InvalidOperationException)
        {
            return null;
        }

        if (!result.Succeeded)
        {
            return null;
        }

        var now = time.GetUtcNow();
        var made = result.Passkey;
        var passkey = new Onboarding.Consoles.Passkey
        {
            CredentialId = [.. made.CredentialId],
            PublicKey = [.. made.PublicKey],
            Name = name,
            Site = site,
            Transports = [.. made.Transports ?? []],
            SignCount = made.SignCount,
            IsBackupEligible = made.IsBackupEligible,
            IsBackedUp = made.IsBackedUp,
            AddedAt = now,
        };
        writer.Write(new PasskeyAdded(passkey) { At = now });
        return passkey;
    }

    public void RemovePasskey(string id)
    {
        writer.Write<bool>(state => state.Console.Passkeys.FirstOrDefault(one => Convert.ToHexStringLower(one.CredentialId.AsSpan()) == id) is { } passkey
            ? (true, [new PasskeyRemoved(passkey.CredentialId, passkey.Name) { At = time.GetUtcNow() }])
            : (false, []));
    }

    /// <summary>Sets the authenticator app up, where its first code shows that it has the secret.</summary>
    public bool SetCode(ReadOnlySpan<byte> secret, string typed)
    {
        var now = time.GetUtcNow();
        if (Totp.Step(secret, typed, now) is not { } step)
        {
            return false;
        }

        writer.Write(new CodeSet([.. secret], step) { At = now });
        return true;
    }

    public void RemoveCode()
    {
        writer.Write<bool>(state => state.Console.Code is null ? (false, []) : (true, [new CodeRemoved { At = time.GetUtcNow() }]));
    }

    private string SignedIn(string with, bool proves, params ImmutableArray<Intent> also)
    {
        writer.Write([.. also, Word(with, proves)]);
        return with;
    }

    private ConsoleIntent Word(string with, bool proves) =>
        proves ? new ConsoleProved(with) { At = time.GetUtcNow() } : new ConsoleSignedIn(with) { At = time.GetUtcNow() };

    /// <summary>Written down once a minute: who tries a thousand times does not fill the disk.</summary>
    private string? Failed(string with)
    {
        lock (_lock)
        {
            var now = time.GetUtcNow();
            if (now - _failureWritten < FailuresFor)
            {
                return null;
            }

            _failureWritten = now;
        }

        writer.Write(new ConsoleSignInFailed(with) { At = time.GetUtcNow() });
        return null;
    }
}
