using System.Reflection;
using Gateway.Admin.Pages;
using Gateway.Tests.Login;

namespace Gateway.Tests.Admin;

/// <summary>What the admin reads, in both languages.</summary>
public sealed class ConsoleTextTests
{
    [Fact]
    public void Each_text_exists_in_both_languages_and_none_is_left_over()
    {
        var names = typeof(ConsoleTexts).GetFields(BindingFlags.Public | BindingFlags.Static).Where(field => field.IsLiteral).Select(field => (string)field.GetRawConstantValue()!).Order().ToList();

        Assert.Equal(names, LoginTextTests.Texts(typeof(ConsoleTexts), "en").Keys.Order());
        Assert.Equal(names, LoginTextTests.Texts(typeof(ConsoleTexts), "fr").Keys.Order());
    }

    [Fact]
    public void They_are_set_as_the_language_sets_them() =>
        LoginTextTests.AssertTypography(LoginTextTests.Texts(typeof(ConsoleTexts), "fr"), LoginTextTests.Texts(typeof(ConsoleTexts), "en"), longest: 300);
}
