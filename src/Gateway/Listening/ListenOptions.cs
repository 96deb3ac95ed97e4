using Microsoft.Extensions.Options;

namespace Gateway.Listening;

/// <summary>The <c>Listen</c> section: the member listener's port on the tunnel address.</summary>
internal sealed class ListenOptions
{
    public int HttpsPort { get; set; } = 443;
}

/// <summary>Names every fault of the <c>Listen</c> section.</summary>
internal sealed class ListenOptionsValidator : IValidateOptions<ListenOptions>
{
    public ValidateOptionsResult Validate(string? name, ListenOptions options) =>
        options.HttpsPort is >= 1 and <= 65535
            ? ValidateOptionsResult.Success
            : ValidateOptionsResult.Fail($"Listen:HttpsPort is {options.HttpsPort}: give a TCP port, 1 to 65535; apps expect 443");
}
