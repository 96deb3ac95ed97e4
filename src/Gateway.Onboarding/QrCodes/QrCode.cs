using System.Globalization;
using System.Text;
using QRCoder;

namespace Gateway.Onboarding.QrCodes;

/// <summary>
/// A QR code (ISO/IEC 18004) of a device's configuration, black on white with its quiet zone of four modules. Error
/// correction is the lowest, L: a screen is not torn or stained, and fewer modules are larger modules.
/// It holds a private key as much as the text does: show it, never keep it.
/// </summary>
public sealed class QrCode
{
    private const int TerminalColumns = 80;
    private const int PixelsPerModule = 10;

    private readonly QRCodeData _modules;

    private QrCode(QRCodeData modules) => _modules = modules;

    /// <summary>Columns and lines that <see cref="ToAnsi"/> takes.</summary>
    public (int Columns, int Lines) AnsiSize => (Side - (2 * SideTrim), (Side + 1) / 2);

    /// <summary>Modules from edge to edge, quiet zone included; always odd.</summary>
    private int Side => _modules.ModuleMatrix.Count;

    /// <summary>
    /// Only the widest allowed code (version 14, 81 modules) gives up one module of quiet zone at each side, so that no
    /// line wraps on a terminal of 80 columns; the terminal's own edge stands there.
    /// </summary>
    private int SideTrim => Math.Max(0, (Side - TerminalColumns + 1) / 2);

    /// <summary>Throws <see cref="ArgumentException"/> for a text too long to scan well from a terminal.</summary>
    public static QrCode Of(string text)
    {
        if (WireGuardConfig.BytesOver(text) is var over and > 0)
        {
            throw new ArgumentException($"The text is {over} bytes too long for a QR that scans well.", nameof(text));
        }

        // Bytes and not text: some mode other than byte, or an ECI header, would be one more thing a scanner may not know.
        using var generator = new QRCodeGenerator();
        return new(generator.CreateQrCode(Encoding.UTF8.GetBytes(text), QRCodeGenerator.ECCLevel.L));
    }

    /// <summary>
    /// For a terminal: half blocks, two modules a character. Both colours are said for each character, from the fixed
    /// part of the 256-colour palette, so that neither a dark background nor a colour theme turns the code around.
    /// </summary>
    public string ToAnsi()
    {
        var text = new StringBuilder();
        for (var y = 0; y < Side; y += 2)
        {
            (bool Top, bool Bottom)? painted = null;
            for (var x = SideTrim; x < Side - SideTrim; x++)
            {
                var pair = (Top: IsDark(x, y), Bottom: IsDark(x, y + 1));
                if (pair != painted)
                {
                    text.Append(CultureInfo.InvariantCulture, $"\e[38;5;{Colour(pair.Top)};48;5;{Colour(pair.Bottom)}m");
                    painted = pair;
                }

                // A space is painted whole by every font; a half block only where it is needed.
                text.Append(pair.Top == pair.Bottom ? ' ' : '▀');
            }

            text.Append("\e[0m\n");
        }

        return text.ToString();
    }

    public string ToSvg()
    {
        using var svg = new SvgQRCode(_modules);
        return svg.GetGraphic(PixelsPerModule, "#000000", "#ffffff", drawQuietZones: true, SvgQRCode.SizingMode.ViewBoxAttribute);
    }

    public byte[] ToPng()
    {
        using var png = new PngByteQRCode(_modules);
        return png.GetGraphic(PixelsPerModule, drawQuietZones: true);
    }

    private static int Colour(bool dark) => dark ? 16 : 231;

    /// <summary>Below the last line it is light: the side is odd, so the last character reaches one module further.</summary>
    private bool IsDark(int x, int y) => y < Side && _modules.ModuleMatrix[y][x];
}
