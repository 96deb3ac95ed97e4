using System.Globalization;
using System.Text;

namespace Gateway.Onboarding.Members;

/// <summary>Makes a localpart out of a person's name: "Zoé Lefèvre" becomes <c>zoe.lefevre</c>. console.js does the same while one types.</summary>
public static class LocalpartProposal
{
    /// <summary>Latin letters that no accent is taken from: what people write where they cannot type them.</summary>
    private static readonly Dictionary<char, string> Letters = new()
    {
        ['ß'] = "ss",
        ['æ'] = "ae",
        ['œ'] = "oe",
        ['ø'] = "o",
        ['đ'] = "d",
        ['ð'] = "d",
        ['ł'] = "l",
        ['þ'] = "th",
        ['ı'] = "i",
    };

    /// <summary>Null where the name has nothing that a localpart can be made of.</summary>
    public static Localpart? Of(string name)
    {
        var text = new StringBuilder();
        foreach (var letter in name.Normalize(NormalizationForm.FormD).ToLowerInvariant())
        {
            if (Letters.TryGetValue(letter, out var written))
            {
                text.Append(written);
            }
            else if (char.IsAsciiLetterLower(letter) || char.IsAsciiDigit(letter) || letter is '_' or '-')
            {
                text.Append(letter);
            }
            else if (CharUnicodeInfo.GetUnicodeCategory(letter) != UnicodeCategory.NonSpacingMark && text.Length > 0 && text[^1] != '.')
            {
                text.Append('.');
            }
        }

        var proposal = text.ToString().TrimStart('.', '_', '-');
        proposal = (proposal.Length > Localpart.MaxLength ? proposal[..Localpart.MaxLength] : proposal).TrimEnd('.', '_', '-');
        return Localpart.TryParse(proposal, null, out var localpart) ? localpart : null;
    }
}
