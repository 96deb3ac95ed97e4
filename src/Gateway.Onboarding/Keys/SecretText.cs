namespace Gateway.Onboarding.Keys;

/// <summary>A secret that other programs gave or take as text. Prints as a mask and has no JSON form; <see cref="Reveal"/> is the one way out.</summary>
public abstract class SecretText(string value)
{
    public string Reveal() => value;

    public sealed override string ToString() => "(secret)";
}

/// <summary>Opens one Matrix session. Held only between the homeserver's reply and ours.</summary>
public sealed class AccessToken(string value) : SecretText(value);

/// <summary>The application service's token (Application Service API): as powerful as the homeserver itself.</summary>
public sealed class AsToken(string value) : SecretText(value);

/// <summary>Makes any account on the homeserver, an administrator too (<c>registration_shared_secret</c>): for the first minutes only.</summary>
public sealed class RegistrationSecret(string value) : SecretText(value);

/// <summary>What the homeserver would show us if it ever called; it does not (<c>url: null</c>).</summary>
public sealed class HsToken(string value) : SecretText(value);
