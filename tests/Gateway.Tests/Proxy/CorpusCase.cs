using System.Globalization;
using System.Text;

namespace Gateway.Tests.Proxy;

/// <summary>One line of a corpus file: what is expected, and the rest of the line. The files say what their words mean.</summary>
internal sealed record CorpusCase(string Expected, string Text)
{
    public static IReadOnlyList<CorpusCase> Read(string file) =>
        [.. File.ReadLines(Path.Join(AppContext.BaseDirectory, "Proxy", "Corpus", file))
            .Where(line => line.Length > 0 && line[0] != '#')
            .Select(line => line.Split(' ', 2))
            .Select(words => new CorpusCase(words[0], words[1]))];

    /// <summary>The bytes that a text of a corpus means; each character is one byte.</summary>
    public static byte[] Bytes(string text)
    {
        var bytes = new List<byte>(text.Length);
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] != '\\')
            {
                bytes.Add((byte)text[i]);
                continue;
            }

            i++;
            bytes.Add(text[i] switch
            {
                'r' => (byte)'\r',
                'n' => (byte)'\n',
                't' => (byte)'\t',
                '0' => 0,
                'x' => byte.Parse(text.AsSpan(++i, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture),
                var other => (byte)other,
            });
            i += text[i - 1] == 'x' && text[i - 2] == '\\' ? 1 : 0;
        }

        return [.. bytes];
    }

    public static string Escaped(ReadOnlySpan<byte> bytes)
    {
        var text = new StringBuilder();
        foreach (var b in bytes)
        {
            text.Append(b is >= (byte)' ' and < 0x7f and not (byte)'\\' ? ((char)b).ToString() : $"\\x{b:x2}");
        }

        return text.ToString();
    }
}
