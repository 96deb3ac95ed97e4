namespace Gateway.Admin;

/// <summary>Element's addresses, as the app and the shops have them.</summary>
internal static class ElementApp
{
    public const string GooglePlay = "https://play.google.com/store/apps/details?id=io.element.android.x";
    public const string FDroid = "https://f-droid.org/packages/io.element.android.x/";
    public const string AppStore = "https://apps.apple.com/app/id1631335820";
    public const string Desktop = "https://element.io/download";

    /// <summary>Opens Element X on the server. Without a login hint: where the app is missing, the link is a website, which must not learn who is invited.</summary>
    public static string Link(string serverName) => $"https://mobile.element.io/element/?account_provider={Uri.EscapeDataString(serverName)}";
}
