using Gateway.Onboarding.Consoles;

namespace Gateway.Onboarding.Store;

/// <summary>What an intent about the console does to the ways into it.</summary>
internal static class ConsoleTransition
{
    public static ConsoleAccess Apply(ConsoleAccess access, ConsoleIntent intent) => intent switch
    {
        PasskeyAdded added => access with { Passkeys = [.. Without(access, added.Passkey.CredentialId.AsSpan()), added.Passkey] },
        PasskeyUsed used => access with
        {
            Passkeys = [.. access.Passkeys.Select(one => one.CredentialId.SequenceEqual(used.CredentialId) ? one with { SignCount = used.SignCount, IsBackedUp = used.IsBackedUp, UsedAt = used.At } : one)],
        },
        PasskeyRemoved removed => access with { Passkeys = [.. Without(access, removed.CredentialId.AsSpan())] },
        CodeSet set => access with { Code = new CodeSecret(set.Secret, set.Step, set.At) },
        CodeUsed used => access with { Code = access.Code is { } code && used.Step > code.LastStep ? code with { LastStep = used.Step } : access.Code },
        CodeRemoved => access with { Code = null },
        ConsoleLinkMade or ConsoleSignedIn or ConsoleProved or ConsoleSignInFailed => access,
        _ => throw new ArgumentOutOfRangeException(nameof(intent), intent.GetType().Name, "No transition for this intent."),
    };

    private static List<Passkey> Without(ConsoleAccess access, ReadOnlySpan<byte> credentialId)
    {
        var known = access.Find(credentialId);
        return [.. access.Passkeys.Where(one => one != known)];
    }
}
