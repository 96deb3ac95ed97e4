using System.Text;
using System.Xml.Linq;
using Gateway.Onboarding.QrCodes;
using Gateway.Tests.Commands;

namespace Gateway.Tests.QrCodes;

/// <summary>Every form of the code is read back by a real scanner, to exactly the text that went in.</summary>
public sealed class QrCodeTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("gateway-qr-").FullName;

    public static TheoryData<string> Texts => new(The.Config, LongestConfig(androidApps: false), LongestConfig(androidApps: true));

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Theory]
    [MemberData(nameof(Texts))]
    public async Task The_png_scans(string text)
    {
        var picture = Path.Join(_directory, "qr.png");
        await File.WriteAllBytesAsync(picture, QrCode.Of(text).ToPng());

        Assert.Equal(text, await Tool.ScanAsync(picture));
    }

    [Fact]
    public async Task The_svg_scans()
    {
        var drawing = Path.Join(_directory, "qr.svg");
        var picture = Path.Join(_directory, "qr.png");
        await File.WriteAllTextAsync(drawing, QrCode.Of(The.Config).ToSvg());

        await Tool.RunAsync("rsvg-convert", "--width", "800", "--output", picture, drawing);

        Assert.Equal(The.Config, await Tool.ScanAsync(picture));
        Assert.Equal("svg", XDocument.Load(drawing).Root!.Name.LocalName);
    }

    [Theory]
    [InlineData("black", "white")]
    [InlineData("white", "black")]
    public async Task The_terminals_code_scans_from_a_photograph_of_80_columns(string background, string foreground)
    {
        foreach (var text in new[] { The.Config, LongestConfig(androidApps: true) })
        {
            var file = Path.Join(_directory, "qr.txt");
            await File.WriteAllTextAsync(file, QrCode.Of(text).ToAnsi());
            await using var screen = await Screen.StartAsync();

            screen.OpenTerminal(file, background, foreground);

            Assert.Equal(text, await screen.ScanAsync(Path.Join(_directory, "screen.png")));
        }
    }

    [Theory]
    [MemberData(nameof(Texts))]
    public void No_line_is_wider_than_80_columns_and_each_ends_uncoloured(string text)
    {
        var code = QrCode.Of(text);

        var lines = code.ToAnsi().Split('\n', StringSplitOptions.RemoveEmptyEntries);

        Assert.Equal(code.AnsiSize.Lines, lines.Length);
        Assert.True(code.AnsiSize.Columns <= 80);
        foreach (var line in lines)
        {
            Assert.EndsWith("\e[0m", line, StringComparison.Ordinal);
            Assert.Equal(code.AnsiSize.Columns, line.Count(c => c is ' ' or '▀'));
        }
    }

    [Fact]
    public void The_code_stands_in_a_quiet_zone_of_four_modules()
    {
        var lines = QrCode.Of(The.Config).ToAnsi().Split('\n');

        // Two characters above: four modules; four characters at the side, then the finder's dark corner.
        const string Light = "\e[38;5;231;48;5;231m";
        Assert.Matches("^" + System.Text.RegularExpressions.Regex.Escape(Light) + " {69}\\e\\[0m$", lines[0]);
        Assert.Equal(lines[0], lines[1]);
        Assert.StartsWith(Light + "    \e[38;5;16;48;5;16m", lines[2], StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(350, true)]
    [InlineData(351, false)]
    public void A_text_too_long_to_scan_well_is_refused(int bytes, bool taken)
    {
        var text = "é" + new string('x', bytes - 2);

        if (taken)
        {
            Assert.NotNull(QrCode.Of(text));
        }
        else
        {
            Assert.Contains("1 bytes too long", Assert.Throws<ArgumentException>(() => QrCode.Of(text)).Message, StringComparison.Ordinal);
        }
    }

    /// <summary>The longest text that is allowed, to the byte.</summary>
    private static string LongestConfig(bool androidApps)
    {
        var room = (androidApps ? WireGuardConfig.MaxBytesWithApps : WireGuardConfig.MaxBytes)
            - Encoding.UTF8.GetByteCount(The.ConfigFor("", androidApps));
        return The.ConfigFor("a".PadRight(room - ":41820".Length, 'b') + ":41820", androidApps);
    }
}
