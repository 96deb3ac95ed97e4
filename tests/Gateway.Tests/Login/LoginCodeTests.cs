using FsCheck.Xunit;
using Gateway.Onboarding.Keys;
using Gateway.Onboarding.LoginGrants;

namespace Gateway.Tests.Login;

/// <summary>The code as people copy, dictate and mistype it.</summary>
public sealed class LoginCodeTests
{
    private static readonly TokenHasher Hasher = new(new HashKey(new Entropy().Bytes(SecretKey.Length)));

    [Fact]
    public void A_code_has_forty_bits_in_letters_that_are_not_mistaken_for_each_other()
    {
        var codes = Enumerable.Range(0, 4000).Select(_ => LoginCode.Generate(new()).Reveal()).ToList();

        Assert.All(codes, code => Assert.Matches("^[A-HJKMNP-Z]{5}-[A-HJKMNP-Z]{5}$", code));
        Assert.Distinct(codes);

        // Nine letters of 23 are random, and each place takes every letter.
        Assert.True(9 * Math.Log2(23) > 40);
        Assert.All(Enumerable.Range(0, 9), place => Assert.Equal(23, codes.Select(code => code.Replace("-", "", StringComparison.Ordinal)[place]).Distinct().Count()));
    }

    [Property(MaxTest = 200)]
    public bool Every_wrong_letter_and_every_two_that_are_swapped_show(int seed)
    {
        var code = LoginCode.Generate(new()).Reveal().Replace("-", "", StringComparison.Ordinal);
        var place = (seed & int.MaxValue) % code.Length;
        var wrong = "ABCDEFGHJKMNPQRSTUVWXYZ".Where(letter => letter != code[place]).Select(letter => code[..place] + letter + code[(place + 1)..]);
        var swapped = Enumerable.Range(0, code.Length).Where(other => code[other] != code[place]).Select(other =>
        {
            var letters = code.ToCharArray();
            (letters[place], letters[other]) = (letters[other], letters[place]);
            return new string(letters);
        });
        var shortened = new[] { code[..place] + code[(place + 1)..], code + "A" };

        return wrong.Concat(swapped).Concat(shortened).All(typed => LoginCode.TryParse(typed) is null);
    }

    [Theory]
    [InlineData("{0}-{1}")]
    [InlineData("{0}{1}")]
    [InlineData("  {0} {1}\n")]
    [InlineData("{0}\t{1}")]
    [InlineData("{0}\u2013{1}")] // the dash that a phone makes of two hyphens
    [InlineData("{0}\u00a0{1}")]
    [InlineData("{0}\u2011{1}\u200b")] // copied from a page
    [InlineData("{0}.{1}.")] // the end of a sentence
    public void It_is_read_however_it_was_written(string form)
    {
        var code = LoginCode.Generate(new());
        var groups = code.Reveal().Split('-');

        foreach (var spelling in new[] { groups, [.. groups.Select(group => group.ToLowerInvariant())] })
        {
            var typed = LoginCode.TryParse(string.Format(System.Globalization.CultureInfo.InvariantCulture, form, spelling[0], spelling[1]));
            Assert.True(typed?.Matches(code.Hash(Hasher), Hasher));
        }
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("-----")]
    [InlineData("\ud800AAAAAAAAA")]
    [InlineData("hunter2")]
    [InlineData("AAAAA-AAAAAA")]
    public void Nothing_else_is_a_code(string? typed) => Assert.Null(LoginCode.TryParse(typed));

    [Fact]
    public void A_long_text_is_not_even_looked_at() => Assert.Null(LoginCode.TryParse(LoginCode.Generate(new()).Reveal() + new string(' ', 100)));
}
