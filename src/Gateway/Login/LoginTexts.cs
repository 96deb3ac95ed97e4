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

    private static readonly ResourceManager Texts = new(typeof(LoginTexts));
    private static readonly CultureInfo French = CultureInfo.GetCultureInfo("fr");

    /// <summary>The text in the language that the client likes best of the two; English where it does not say.</summary>
    public static string In(HttpRequest request, string name) =>
        Texts.GetString(name, LikesFrench(request) ? French : CultureInfo.InvariantCulture)!;

    private static bool LikesFrench(HttpRequest request) =>
        request.GetTypedHeaders().AcceptLanguage
            .OrderByDescending(language => language.Quality ?? 1)
            .Select(language => language.Value.ToString().Split('-')[0])
            .FirstOrDefault(language => language is "fr" or "en") == "fr";
}
