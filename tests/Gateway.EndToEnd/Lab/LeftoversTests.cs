using System.Diagnostics;

namespace Gateway.EndToEnd.Lab;

/// <summary>What a killed run left behind is cleared by the next one; what is in use is not.</summary>
public sealed class LeftoversTests
{
    /// <summary>A name that process 1 would have given, had it started at another time.</summary>
    private const string Dead = LabName.Prefix + "1-0-1";

    [Fact]
    public async Task A_sweep_removes_the_remains_of_a_dead_run_and_nothing_of_a_living_one()
    {
        var living = new TestNetwork();
        await using (living)
        {
            await living.StartAsync();
            (await Command.RunAsync("ip", "netns", "add", Dead + "-server")).Expect();
            Directory.CreateDirectory(Path.Combine("/tmp", Dead));
            Directory.CreateDirectory(Path.Combine(NetworkNamespace.EtcFolders, Dead + "-server"));
            using var forgotten = Process.Start(Command.Describe("ip", "netns", "exec", Dead + "-server", "sleep", "1000"))!;

            await Leftovers.SweepAsync();

            await forgotten.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(5));
            Assert.DoesNotContain(Dead, (await Command.RunAsync("ip", "netns", "list")).Expect(), StringComparison.Ordinal);
            Assert.False(Directory.Exists(Path.Combine("/tmp", Dead)));
            Assert.False(Directory.Exists(Path.Combine(NetworkNamespace.EtcFolders, Dead + "-server")));
            Assert.NotEmpty(await Leftovers.FindAsync(living.Name, []));
        }

        Assert.Empty(await Leftovers.FindAsync(living.Name, []));
    }

    [Fact]
    public async Task A_program_that_outlives_its_namespaces_name_is_found()
    {
        var name = new LabName();
        var space = await NetworkNamespace.MakeAsync(name, "leaky");
        using var program = Process.Start(space.Describe("sleep", "1000"))!;
        await Until.ValueAsync("the program is in it", TimeSpan.FromSeconds(5), space.ProcessesAsync, ids => ids.Contains(program.Id));

        (await Command.RunAsync("ip", "netns", "del", space.Name)).Expect();
        Directory.Delete(space.EtcFolder, recursive: true);
        var found = await Leftovers.FindAsync(name, [space.Identity]);
        program.Kill();
        await program.WaitForExitAsync();

        Assert.Equal($"/proc/{program.Id}", found);
        Assert.Empty(await Leftovers.FindAsync(name, [space.Identity]));
    }
}
