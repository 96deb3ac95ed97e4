using System.Net;
using Gateway.Admin;
using Gateway.Onboarding.Keys;
using Gateway.Onboarding.QrCodes;

namespace Gateway.Tests.Commands;

/// <summary>Fixed views: alice and her phone at one moment.</summary>
internal static class The
{
    public const string PrivateKey = "oK56DE9Ue9zK76rAc8pBl6opph+1v36lm7cXXsQKrQM=";

    public static readonly DateTimeOffset Now = new(2026, 5, 4, 12, 0, 0, TimeSpan.Zero);

    public static readonly string Config = ConfigFor("vpn.example.org:41820");

    public static readonly DeviceView Phone = new(
        "d-abcdefgh", "alice", "phone", "198.19.0.2", "GtL7fZc/bLnqZldpVofMCD6hDjrK28SsdLxevJ+qtKU=", "pending", Online: false, LastHandshake: null, Sessions: [], Revocation: null);

    public static readonly DeviceView Connected = Phone with { State = "connected", Online = true, LastHandshake = Now };

    public static readonly DeviceView SignedIn = Connected with { State = "signed-in", Sessions = [new("HXVKQMZLTR", "Element X", Now)] };

    public static readonly EnrolmentView Enrolment = new(Phone, Config, "K7QF-2M9P", Now.AddMinutes(15), "https://mobile.element.io/?hs_url=chat.example.org");

    public static RevocationView Revocation(params StepView[] steps) => new(Now, steps);

    public static StepView Step(string name, string state, int milliseconds, string? detail = null) => new(name, state, Now.AddMilliseconds(milliseconds), detail);

    public static string ConfigFor(string endpoint, bool androidApps = false) => WireGuardConfig.Build(
        Onboarding.Keys.PrivateKey.TryParse(PrivateKey)!,
        IPAddress.Parse("198.19.0.2"),
        PublicKey.Parse("GtL7fZc/bLnqZldpVofMCD6hDjrK28SsdLxevJ+qtKU=", provider: null),
        PresharedKey.TryParse("6sr7LdMhaFVtPLMnwmj3SvWs5PXhFg3NzvY6lUaKF2g=")!,
        IPAddress.Parse("198.19.0.1"),
        endpoint,
        androidApps);
}
