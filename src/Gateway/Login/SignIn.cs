using System.Security.Cryptography;
using System.Text;
using Gateway.Onboarding.Devices;
using Gateway.Onboarding.LoginGrants;

namespace Gateway.Login;

/// <summary>Where a sign-in by browser stands. Zero is over.</summary>
internal enum SignInState
{
    /// <summary>Over; <see cref="SignIn.End"/> says how.</summary>
    Ended = 0,

    /// <summary>The page was opened; the member has not tapped yet, and the admin sees nothing.</summary>
    Opened,

    /// <summary>The member tapped: the page shows a number, and the admin is asked.</summary>
    Waiting,

    /// <summary>Proved, by the admin's word or by the code: the app may come for its session.</summary>
    Proved,
}

/// <summary>How a sign-in ended.</summary>
internal enum SignInEnd
{
    /// <summary>Nobody went on with it in time.</summary>
    Late = 0,

    /// <summary>Another one was started on the same device.</summary>
    Replaced,

    /// <summary>The admin said no.</summary>
    Refused,

    /// <summary>The member said that it was not them.</summary>
    Cancelled,

    /// <summary>The app came and has its session, or failed to get it.</summary>
    Used,
}

/// <summary>
/// One sign-in by browser, from the page to the app's coming back. It lives in memory only and in one browser: the
/// cookie's hash binds it there, <see cref="FormToken"/> is in the page. Changed by <see cref="SignIns"/> alone.
/// </summary>
internal sealed record SignIn
{
    public required string Id { get; init; }

    public required DeviceId Device { get; init; }

    public required ClientApp App { get; init; }

    public required SignInRequest Request { get; init; }

    public required byte[] BrowserHash { get; init; }

    public required string FormToken { get; init; }

    public required SignInState State { get; init; }

    /// <summary>When it got to <see cref="State"/>.</summary>
    public required DateTimeOffset Since { get; init; }

    public SignInEnd End { get; init; }

    /// <summary>10 to 99, on the page and before the admin's eyes; 0 until the member tapped.</summary>
    public int Number { get; init; }

    public LoginProof? Proof { get; init; }

    /// <summary>Of the one-time token that the app was last sent back with.</summary>
    public byte[] TokenHash { get; init; } = [];

    /// <summary>Whether a form came from this sign-in's page.</summary>
    public bool HasToken(string token) =>
        CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(token), Encoding.UTF8.GetBytes(FormToken));

    /// <summary>It has secrets: nothing prints it.</summary>
    public override string ToString() => Id;
}

/// <summary>What the app asked for, and how it is led back.</summary>
internal abstract record SignInRequest
{
    private SignInRequest()
    {
    }

    /// <summary>The address with the one-time token that the app exchanges for its session.</summary>
    public abstract string Back(string token);

    /// <summary>The address that tells the app of a refusal, or null where the protocol has none.</summary>
    public abstract string? Refused { get; }

    private static string With(string address, string parameters) =>
        address + (address.Contains('?', StringComparison.Ordinal) ? '&' : '?') + parameters;

    /// <summary>m.login.sso (Client-Server API, "SSO client login").</summary>
    internal sealed record Sso(string RedirectUrl) : SignInRequest
    {
        public override string? Refused => null;

        public override string Back(string token) => With(WithoutToken(RedirectUrl), $"loginToken={token}");

        /// <summary>An old one must not be taken for the new one (Client-Server API, "Security considerations" of SSO).</summary>
        private static string WithoutToken(string address)
        {
            var query = address.IndexOf('?', StringComparison.Ordinal);
            if (query < 0)
            {
                return address;
            }

            var kept = address[(query + 1)..].Split('&').Where(pair => Uri.UnescapeDataString(pair.Split('=')[0]) != "loginToken" && pair.Length > 0).ToList();
            return kept.Count == 0 ? address[..query] : $"{address[..query]}?{string.Join('&', kept)}";
        }
    }

    /// <summary>The authorization code grant of OAuth 2.0 with PKCE (RFC 6749, RFC 7636).</summary>
    internal sealed record OAuth(
        string ClientId, string RedirectUri, string? AppState, string CodeChallenge, bool InFragment, string MatrixDeviceId, string Scope) : SignInRequest
    {
        public override string Refused => Answer("error=access_denied");

        public override string Back(string token) => Answer($"code={token}");

        public string Answer(string parameters)
        {
            var all = AppState is null ? parameters : $"{parameters}&state={Uri.EscapeDataString(AppState)}";
            return InFragment ? $"{RedirectUri}#{all}" : With(RedirectUri, all);
        }
    }
}
