using Gateway.Onboarding.Members;

namespace Gateway.Onboarding.Matrix;

/// <summary>The domain in user IDs, which is also the host name that members use: <c>chat.example</c>, lower case.</summary>
public sealed record ServerName
{
    private ServerName(string value) => Value = value;

    public string Value { get; }

    /// <summary>The server name that <paramref name="text"/> says, or null: host labels as in RFC 1123, at least two, no port, no address.</summary>
    public static ServerName? TryParse(string? text) =>
        text is { Length: > 0 and <= 230 }
        && text.Split('.') is { Length: >= 2 } labels
        && labels.All(IsLabel)
        && labels[^1].Any(char.IsAsciiLetter)
            ? new(text)
            : null;

    /// <summary><c>@alice:chat.example</c></summary>
    public string UserId(Localpart localpart) => $"@{localpart}:{Value}";

    public override string ToString() => Value;

    private static bool IsLabel(string label) =>
        label is { Length: > 0 and <= 63 }
        && label.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '-')
        && label[0] != '-' && label[^1] != '-';
}
