using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using Gateway.Onboarding.Keys;

namespace Gateway.Onboarding.Devices;

/// <summary>A device's name for machines: <c>d-</c> and 8 random base32 characters (RFC 4648, lower case). Never reused.</summary>
public readonly record struct DeviceId : IParsable<DeviceId>
{
    private const string Base32 = "abcdefghijklmnopqrstuvwxyz234567";

    private static readonly SearchValues<char> Base32Letters = SearchValues.Create(Base32);

    private readonly string? _value;

    private DeviceId(string value) => _value = value;

    public static DeviceId Generate(Entropy entropy) => new("d-" + entropy.Word(Base32, 8));

    public static DeviceId Parse(string s, IFormatProvider? provider) =>
        TryParse(s, provider, out var id) ? id : throw new FormatException("Not a device ID.");

    public static bool TryParse([NotNullWhen(true)] string? s, IFormatProvider? provider, out DeviceId result)
    {
        var valid = s is { Length: 10 } && s.StartsWith("d-", StringComparison.Ordinal) && s.AsSpan(2).IndexOfAnyExcept(Base32Letters) < 0;
        result = valid ? new(s!) : default;
        return valid;
    }

    public override string ToString() => _value ?? "";
}
