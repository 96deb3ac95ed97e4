namespace Gateway.Onboarding.Devices;

/// <summary>Names of devices: short words that fit on a line and in <c>localpart/name</c>.</summary>
public static class DeviceName
{
    public const int MaxLength = 32;

    public const string Default = "phone";

    /// <summary>Letters of any script, digits, dot, underscore and hyphen; a letter or digit first. No slash: it separates the localpart.</summary>
    public static bool IsValid(string name) =>
        name is { Length: > 0 and <= MaxLength }
        && char.IsLetterOrDigit(name[0])
        && name.All(c => char.IsLetterOrDigit(c) || c is '.' or '_' or '-')
        && !DeviceId.TryParse(name, null, out _);

    /// <summary><c>phone</c>, or <c>phone-2</c>, … where that is taken.</summary>
    public static string Free(string wish, Func<string, bool> taken)
    {
        var name = wish;
        for (var number = 2; taken(name); number++)
        {
            name = $"{wish}-{number}";
        }

        return name;
    }
}
