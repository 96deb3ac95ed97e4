using System.Globalization;
using System.Resources;

namespace Gateway.Login;

/// <summary>What a member may read while signing in, in French and English (<c>LoginTexts.resx</c>, <c>LoginTexts.fr.resx</c>).</summary>
internal static class LoginTexts
{
    public const string OtherWay = nameof(OtherWay);
    public const string NotACode = nameof(NotACode);
    public const string WrongCode = nameof(WrongCode);
    public const string TooManyTries = nameof(TooManyTries);
    public const string NotOnThisDevice = nameof(NotOnThisDevice);

    // The pages.
    public const string ConfirmTitle = nameof(ConfirmTitle);
    public const string WaitTitle = nameof(WaitTitle);
    public const string CodeTitle = nameof(CodeTitle);
    public const string MemberAndDevice = nameof(MemberAndDevice);
    public const string App = nameof(App);
    public const string DesktopApp = nameof(DesktopApp);
    public const string SignInHere = nameof(SignInHere);
    public const string NotMe = nameof(NotMe);
    public const string SayNumber = nameof(SayNumber);
    public const string WaitingForAdmin = nameof(WaitingForAdmin);
    public const string HaveCode = nameof(HaveCode);
    public const string BackToNumber = nameof(BackToNumber);
    public const string LoginCodeLabel = nameof(LoginCodeLabel);
    public const string WrongLetters = nameof(WrongLetters);
    public const string BackTo = nameof(BackTo);
    public const string BackToApp = nameof(BackToApp);
    public const string ProvedTitle = nameof(ProvedTitle);
    public const string OpensByItself = nameof(OpensByItself);
    public const string NoGrantTitle = nameof(NoGrantTitle);
    public const string NoGrant = nameof(NoGrant);
    public const string OverTitle = nameof(OverTitle);
    public const string UsedTitle = nameof(UsedTitle);
    public const string Late = nameof(Late);
    public const string Replaced = nameof(Replaced);
    public const string Refused = nameof(Refused);
    public const string Cancelled = nameof(Cancelled);
    public const string Used = nameof(Used);
    public const string UnknownAppTitle = nameof(UnknownAppTitle);
    public const string UnknownApp = nameof(UnknownApp);
    public const string WrongRequest = nameof(WrongRequest);
    public const string TooManyNumbers = nameof(TooManyNumbers);
    public const string StartAgain = nameof(StartAgain);

    private static readonly ResourceManager Texts = new(typeof(LoginTexts));
    private static readonly CultureInfo French = CultureInfo.GetCultureInfo("fr");
    private static readonly CultureInfo English = CultureInfo.GetCultureInfo("en");

    /// <summary>The text in the language that the client likes best of the two; English where it does not say.</summary>
    public static string In(HttpRequest request, string name) => In(CultureOf(request), name);

    public static string In(CultureInfo culture, string name) => Texts.GetString(name, culture)!;

    public static CultureInfo CultureOf(HttpRequest request) => LikesFrench(request) ? French : English;

    private static bool LikesFrench(HttpRequest request) =>
        request.GetTypedHeaders().AcceptLanguage
            .Where(language => language.Quality is not 0)
            .OrderByDescending(language => language.Quality ?? 1)
            .Select(language => language.Value.ToString().Split('-')[0].ToLowerInvariant())
            .FirstOrDefault(language => language is "fr" or "en") == "fr";
}
