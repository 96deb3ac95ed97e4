using System.Collections;
using System.Globalization;
using System.Reflection;
using System.Resources;
using System.Text.RegularExpressions;
using Gateway.Login;

namespace Gateway.Tests.Login;

/// <summary>What a tired person reads on a small screen, in both languages.</summary>
public sealed class LoginTextTests
{
    [Fact]
    public void Each_text_exists_in_both_languages_and_none_is_left_over()
    {
        var names = typeof(LoginTexts).GetFields(BindingFlags.Public | BindingFlags.Static).Where(field => field.IsLiteral).Select(field => (string)field.GetRawConstantValue()!).Order().ToList();

        Assert.Equal(names, Texts(typeof(LoginTexts), "en").Keys.Order());
        Assert.Equal(names, Texts(typeof(LoginTexts), "fr").Keys.Order());
        Assert.All(names, name => Assert.NotEqual(Texts(typeof(LoginTexts), "en")[name], name == "App" ? "" : Texts(typeof(LoginTexts), "fr")[name]));
    }

    [Fact]
    public void They_are_short_and_set_as_the_language_sets_them() =>
        AssertTypography(Texts(typeof(LoginTexts), "fr"), Texts(typeof(LoginTexts), "en"), longest: 170);

    internal static void AssertTypography(Dictionary<string, string> french, Dictionary<string, string> english, int longest)
    {
        foreach (var (name, text) in french.Concat(english))
        {
            Assert.True(text.Length <= longest, $"{name}: {text.Length}");
            Assert.DoesNotContain("'", text, StringComparison.Ordinal);
            Assert.DoesNotContain("...", text, StringComparison.Ordinal);
        }

        // A colon stands after a no-break space, the other high marks after a narrow one.
        Assert.All(french, text => Assert.DoesNotMatch("[^\u00a0]:|[^\u202f][;?!]", Regex.Replace(text.Value, @"\{\d:[^}]*\}", "{0}", RegexOptions.None, TimeSpan.FromSeconds(1))));
        Assert.All(english, text => Assert.DoesNotMatch("\\s[:;?!]", text.Value));
    }

    internal static Dictionary<string, string> Texts(Type texts, string language)
    {
        var manager = new ResourceManager(texts);
        var culture = language == "en" ? CultureInfo.InvariantCulture : CultureInfo.GetCultureInfo(language);
        return manager.GetResourceSet(culture, createIfNotExists: true, tryParents: false)!.Cast<DictionaryEntry>().ToDictionary(entry => (string)entry.Key, entry => (string)entry.Value!);
    }
}
