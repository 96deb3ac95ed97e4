using System.Collections;
using System.Globalization;
using System.Reflection;
using System.Resources;
using Gateway.Login;

namespace Gateway.Tests.Login;

/// <summary>What a tired person reads on a small screen, in both languages.</summary>
public sealed class LoginTextTests
{
    [Fact]
    public void Each_text_exists_in_both_languages_and_none_is_left_over()
    {
        var names = typeof(LoginTexts).GetFields(BindingFlags.Public | BindingFlags.Static).Where(field => field.IsLiteral).Select(field => (string)field.GetRawConstantValue()!).Order().ToList();

        Assert.Equal(names, Texts("en").Keys.Order());
        Assert.Equal(names, Texts("fr").Keys.Order());
        Assert.All(names, name => Assert.NotEqual(Texts("en")[name], name == "App" ? "" : Texts("fr")[name]));
    }

    [Fact]
    public void They_are_short_and_set_as_the_language_sets_them()
    {
        foreach (var (name, text) in Texts("fr").Concat(Texts("en")))
        {
            Assert.True(text.Length <= 170, $"{name}: {text.Length}");
            Assert.DoesNotContain("'", text, StringComparison.Ordinal);
            Assert.DoesNotContain("...", text, StringComparison.Ordinal);
        }

        // A colon stands after a no-break space, the other high marks after a narrow one.
        Assert.All(Texts("fr"), text => Assert.DoesNotMatch("[^\u00a0]:|[^\u202f][;?!]", text.Value));
        Assert.All(Texts("en"), text => Assert.DoesNotMatch("\\s[:;?!]", text.Value));
    }

    private static Dictionary<string, string> Texts(string language)
    {
        var manager = new ResourceManager(typeof(LoginTexts));
        var culture = language == "en" ? CultureInfo.InvariantCulture : CultureInfo.GetCultureInfo(language);
        return manager.GetResourceSet(culture, createIfNotExists: true, tryParents: false)!.Cast<DictionaryEntry>().ToDictionary(entry => (string)entry.Key, entry => (string)entry.Value!);
    }
}
