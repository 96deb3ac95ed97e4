using System.Globalization;
using System.Resources;

namespace Gateway.Welcome;

/// <summary>What the member's page says, in French and English (<c>WelcomeTexts.resx</c>, <c>WelcomeTexts.fr.resx</c>).</summary>
internal static class WelcomeTexts
{
    public const string ConnectedTitle = nameof(ConnectedTitle);
    public const string TunnelWorks = nameof(TunnelWorks);
    public const string OpenElement = nameof(OpenElement);
    public const string NotInstalled = nameof(NotInstalled);
    public const string OnComputer = nameof(OnComputer);
    public const string TroubleTitle = nameof(TroubleTitle);
    public const string TroubleTunnel = nameof(TroubleTunnel);
    public const string TroubleServer = nameof(TroubleServer);
    public const string TroubleCode = nameof(TroubleCode);
    public const string NothingTitle = nameof(NothingTitle);
    public const string Nothing = nameof(Nothing);

    private static readonly ResourceManager Texts = new(typeof(WelcomeTexts));

    public static string In(CultureInfo culture, string name) => Texts.GetString(name, culture)!;
}
