using System.Globalization;
using System.Resources;

namespace Gateway.Admin.Pages;

/// <summary>What the admin reads in the console, in French and English (<c>ConsoleTexts.resx</c>, <c>ConsoleTexts.fr.resx</c>).</summary>
internal static partial class ConsoleTexts
{
    public const string SkipToContent = nameof(SkipToContent);
    public const string Sections = nameof(Sections);
    public const string Members = nameof(Members);
    public const string Activity = nameof(Activity);
    public const string Health = nameof(Health);
    public const string AccessSection = nameof(AccessSection);
    public const string SignOut = nameof(SignOut);
    public const string ToMembers = nameof(ToMembers);
    public const string NotFoundTitle = nameof(NotFoundTitle);
    public const string NotFound = nameof(NotFound);
    public const string ForeignTitle = nameof(ForeignTitle);
    public const string Foreign = nameof(Foreign);
    public const string NotStoredTitle = nameof(NotStoredTitle);
    public const string NotStored = nameof(NotStored);
    public const string FaultTitle = nameof(FaultTitle);
    public const string Fault = nameof(Fault);
    public const string SignInTitle = nameof(SignInTitle);


    private static readonly ResourceManager Texts = new(typeof(ConsoleTexts));

    /// <summary>How the admin signed in (<see cref="Access.ConsoleWays"/>), in the reader's language.</summary>
    public static string Of(CultureInfo culture, string by) => by switch
    {
        Access.ConsoleWays.Link => In(culture, ByLink),
        Access.ConsoleWays.App => In(culture, ByApp),
        _ => string.Format(culture, In(culture, ByPasskey), by.StartsWith(Access.ConsoleWays.Passkey, StringComparison.Ordinal) ? by[Access.ConsoleWays.Passkey.Length..] : by),
    };

    public static string In(CultureInfo culture, string name) => Texts.GetString(name, culture) ?? throw new ArgumentOutOfRangeException(nameof(name), name, "No such text.");
}
