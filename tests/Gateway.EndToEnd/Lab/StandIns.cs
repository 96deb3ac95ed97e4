namespace Gateway.EndToEnd.Lab;

/// <summary>
/// Programs that stand in the way of those that the gateway starts: each writes down how it was called, with its
/// environment, and then is the real one, unless it was told to fail or to hang.
/// </summary>
public sealed class StandIns
{
    private static readonly string[] Programs = ["ip", "wg", "setsid", "wireguard-go"];

    private readonly string folder;

    public StandIns(LabName lab)
    {
        folder = Directory.CreateDirectory(Path.Combine(lab.Folder, "stand-ins")).FullName;
        foreach (var program in Programs)
        {
            var file = Path.Combine(folder, program);
            File.WriteAllText(file, $$"""
                #!/bin/sh
                { tr '\0' '\n' </proc/$$/cmdline; tr '\0' '\n' </proc/$$/environ; } >>{{Calls}}
                case "$(cat {{file}}.fault 2>/dev/null)" in
                  once) rm {{file}}.fault; echo 'out of order, once' >&2; exit 1 ;;
                  fail) echo 'out of order' >&2; exit 1 ;;
                  hang) exec sleep 600 ;;
                esac
                PATH=${PATH#*:}
                exec {{program}} "$@"
                """);
            File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }
    }

    /// <summary>Where the calls are written down.</summary>
    public string Calls => Path.Combine(folder, "calls");

    /// <summary>How <see cref="GatewayHost.StartAsync"/> is told to find them first.</summary>
    public IReadOnlyList<string> Through => ["env", $"PATH={folder}:{Environment.GetEnvironmentVariable("PATH")}"];

    /// <summary><c>once</c>, <c>fail</c> or <c>hang</c>, from the next call on.</summary>
    public void Break(string program, string fault) => File.WriteAllText(FaultOf(program), fault);

    public void Mend(string program) => File.Delete(FaultOf(program));

    private string FaultOf(string program) => Path.Combine(folder, $"{program}.fault");
}
