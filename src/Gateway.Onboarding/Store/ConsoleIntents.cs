using System.Collections.Immutable;
using Gateway.Onboarding.Consoles;

namespace Gateway.Onboarding.Store;

/// <summary>An intent about who gets into the console.</summary>
public abstract record ConsoleIntent : Intent;

/// <summary>The command line made a one-time link; the one before it is void.</summary>
public sealed record ConsoleLinkMade : ConsoleIntent;

/// <summary>A browser was signed in, <paramref name="With"/> what.</summary>
public sealed record ConsoleSignedIn(string With) : ConsoleIntent;

/// <summary>The admin proved once more that it is them, for an act that asks for it.</summary>
public sealed record ConsoleProved(string With) : ConsoleIntent;

/// <summary>Somebody tried, <paramref name="With"/> what. One stands for all of its minute.</summary>
public sealed record ConsoleSignInFailed(string With) : ConsoleIntent;

public sealed record PasskeyAdded(Passkey Passkey) : ConsoleIntent;

/// <summary>What the authenticator said of the passkey when it was last used.</summary>
public sealed record PasskeyUsed(ImmutableArray<byte> CredentialId, uint SignCount, bool IsBackedUp) : ConsoleIntent;

public sealed record PasskeyRemoved(ImmutableArray<byte> CredentialId, string Name) : ConsoleIntent
{
    public override bool Shuts => true;
}

/// <summary>An authenticator app was set up; the code of <paramref name="Step"/> proved it.</summary>
public sealed record CodeSet(ImmutableArray<byte> Secret, long Step) : ConsoleIntent
{
    public override string ToString() => nameof(CodeSet);
}

public sealed record CodeUsed(long Step) : ConsoleIntent;

public sealed record CodeRemoved : ConsoleIntent
{
    public override bool Shuts => true;
}
