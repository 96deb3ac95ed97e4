using Gateway.Drills;

namespace Gateway.Tests.Drills;

/// <summary>The drill's phone is somewhere else, and nothing else of the program is.</summary>
public sealed class OwnNamespaceTests
{
    /// <summary>A thread that is started from inside stays there, and with it whatever the pool gives it to do: ip(8) for example.</summary>
    [Fact]
    public async Task No_thread_of_the_program_stays_in_it()
    {
        var here = new FileInfo("/proc/self/ns/net").LinkTarget;
        using var space = await OwnNamespace.MakeAsync();

        var there = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => space.InsideAsync(() => new FileInfo("/proc/thread-self/ns/net").LinkTarget)));

        Assert.NotEqual(here, Assert.Single(there.Distinct(StringComparer.Ordinal)));
        Assert.DoesNotContain(Directory.GetDirectories("/proc/self/task").Select(thread => new FileInfo(Path.Combine(thread, "ns/net")).LinkTarget), place => place == there[0]);
    }

    [Fact]
    public async Task It_is_found_by_its_file_and_gone_with_it()
    {
        string file;
        using (var space = await OwnNamespace.MakeAsync())
        {
            file = space.File;
            Assert.Equal(await space.InsideAsync(() => new FileInfo("/proc/thread-self/ns/net").LinkTarget), new FileInfo(file).LinkTarget);
        }

        Assert.False(File.Exists(file));
    }

    [Fact]
    public async Task What_fails_inside_fails_outside()
    {
        using var space = await OwnNamespace.MakeAsync();

        await Assert.ThrowsAsync<InvalidDataException>(() => space.InsideAsync<int>(() => throw new InvalidDataException()));
    }
}
