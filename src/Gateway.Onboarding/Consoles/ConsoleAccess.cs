using System.Collections.Immutable;

namespace Gateway.Onboarding.Consoles;

/// <summary>The admin's ways into the console, beside a link from the command line.</summary>
public sealed record ConsoleAccess
{
    public static readonly ConsoleAccess None = new() { Passkeys = [], Code = null };

    public required ImmutableArray<Passkey> Passkeys { get; init; }

    /// <summary>The authenticator app's secret; null where none is set up.</summary>
    public required CodeSecret? Code { get; init; }

    public Passkey? Find(ReadOnlySpan<byte> credentialId)
    {
        foreach (var passkey in Passkeys)
        {
            if (passkey.CredentialId.AsSpan().SequenceEqual(credentialId))
            {
                return passkey;
            }
        }

        return null;
    }
}

/// <summary>A passkey as Web Authentication knows it (a credential record): nothing of it is secret.</summary>
public sealed record Passkey
{
    public required ImmutableArray<byte> CredentialId { get; init; }

    /// <summary>In COSE form.</summary>
    public required ImmutableArray<byte> PublicKey { get; init; }

    /// <summary>The admin's own word for it.</summary>
    public required string Name { get; init; }

    /// <summary>The relying party's ID: it works under this host name and under no other.</summary>
    public required string Site { get; init; }

    public required ImmutableArray<string> Transports { get; init; }

    public required uint SignCount { get; init; }

    public required bool IsBackupEligible { get; init; }

    public required bool IsBackedUp { get; init; }

    public required DateTimeOffset AddedAt { get; init; }

    public DateTimeOffset? UsedAt { get; init; }
}

/// <summary>What an authenticator app makes its codes of, and the last step whose code was taken: none is taken twice.</summary>
public sealed record CodeSecret(ImmutableArray<byte> Bytes, long LastStep, DateTimeOffset SetAt)
{
    public override string ToString() => nameof(CodeSecret);
}
