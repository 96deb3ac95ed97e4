using Gateway.Onboarding.Store;

namespace Gateway.Tests.Store;

/// <summary>Root writes where another user may have put something.</summary>
public sealed class LeftFileTests : IDisposable
{
    private readonly DirectoryInfo _data = Directory.CreateTempSubdirectory("gateway-left-");

    private string Elsewhere => Path.Combine(_data.FullName, "elsewhere");

    public void Dispose() => _data.Delete(recursive: true);

    [Fact]
    public void It_is_whole_and_may_be_read()
    {
        LeftFile.Write(_data.FullName, "note.json", [1, 2]);
        LeftFile.Write(_data.FullName, "note.json", [3]);

        var file = Path.Combine(_data.FullName, "note.json");
        Assert.Equal([3], File.ReadAllBytes(file));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead, File.GetUnixFileMode(file));
        Assert.Equal([file], Directory.GetFiles(_data.FullName));
    }

    [Theory]
    [InlineData("note.json")]
    [InlineData("note.json.new")]
    public void A_link_is_replaced_and_not_followed(string link)
    {
        File.WriteAllText(Elsewhere, "theirs");
        File.SetUnixFileMode(Elsewhere, UnixFileMode.UserRead);
        File.CreateSymbolicLink(Path.Combine(_data.FullName, link), Elsewhere);

        LeftFile.Write(_data.FullName, "note.json", [1]);

        Assert.Equal(("theirs", UnixFileMode.UserRead), (File.ReadAllText(Elsewhere), File.GetUnixFileMode(Elsewhere)));
        Assert.Null(new FileInfo(Path.Combine(_data.FullName, "note.json")).LinkTarget);
    }

    [Fact]
    public void A_lock_is_one_commands_alone_and_makes_nothing_elsewhere()
    {
        using (LeftFile.Hold(_data.FullName, "work.lock"))
        {
            Assert.ThrowsAny<IOException>(() => LeftFile.Hold(_data.FullName, "work.lock"));
        }

        LeftFile.Hold(_data.FullName, "work.lock").Dispose();
        File.CreateSymbolicLink(Path.Combine(_data.FullName, "other.lock"), Elsewhere);
        Assert.ThrowsAny<IOException>(() => LeftFile.Hold(_data.FullName, "other.lock"));
        Assert.False(File.Exists(Elsewhere));
    }
}
