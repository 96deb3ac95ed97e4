using Gateway.Onboarding.Devices;
using Gateway.Onboarding.Keys;

namespace Gateway.Onboarding.LoginGrants;

/// <summary>What lets a member spend a grant. A tap in the tunnel alone is none: another app on the phone can tap too.</summary>
public abstract record LoginProof
{
    private LoginProof()
    {
    }

    internal abstract bool Opens(LoginGrant grant, TokenHasher hasher);

    /// <summary>The login code, as the admin handed it over.</summary>
    public sealed record Code(LoginCode Typed) : LoginProof
    {
        internal override bool Opens(LoginGrant grant, TokenHasher hasher) => Typed.Matches(grant.CodeHash.AsSpan(), hasher);
    }

    /// <summary>Somebody proved it before, on the page: the grant that was armed then, and no other.</summary>
    public sealed record Approval(string GrantId) : LoginProof
    {
        internal override bool Opens(LoginGrant grant, TokenHasher hasher) => grant.Id == GrantId;
    }
}
