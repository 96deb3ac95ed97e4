using System.Collections;
using System.CommandLine;

namespace Gateway.Commands;

/// <summary>What a command works with. A test replaces the terminal, the clock, the environment and the connection.</summary>
internal sealed class CommandContext(Terminal terminal, TimeProvider time, IDictionary environment, Func<string, AdminClient> connect)
{
    public Terminal Terminal => terminal;

    public TimeProvider Time => time;

    /// <summary>On every command, since the admin's socket is found through it.</summary>
    public Option<string?> Config { get; } = new("--config")
    {
        HelpName = "FILE",
        Description = $"The gateway's configuration [default: $GATEWAY_CONFIG, else {LocalSettings.DefaultFile}]",
        Recursive = true,
    };

    public static Option<bool> JsonOption() => new("--json") { Description = "Print the gateway's answer as JSON, for scripts" };

    /// <summary>The configuration that was named, by option or environment.</summary>
    public string? NamedFile(ParseResult parsed) =>
        parsed.GetValue(Config) ?? (environment["GATEWAY_CONFIG"] is string { Length: > 0 } named ? named : null);

    public LocalSettings Settings(ParseResult parsed) => LocalSettings.Read(NamedFile(parsed), environment);

    public AdminClient Connect(ParseResult parsed) => Connect(Settings(parsed));

    public AdminClient Connect(LocalSettings settings) => connect(settings.AdminSocket);

    /// <summary>The JSON as it came, or what it means to a person.</summary>
    public void Show<T>(Reply<T> reply, bool json, Action<T> print)
    {
        if (json)
        {
            terminal.Verbatim(reply.Json);
        }
        else
        {
            print(reply.View);
        }
    }
}
