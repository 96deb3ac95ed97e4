using Gateway.Admin;
using Gateway.Tests.Testing;

namespace Gateway.Tests.Commands;

/// <summary><c>gateway rename</c>, and the socket behind it.</summary>
public sealed class RenameTests
{
    [Theory]
    [InlineData("rename alice/phone tablet", "\"device\": \"alice/phone\"")]
    [InlineData("rename 198.19.0.2 tablet", "\"device\": \"198.19.0.2\"")]
    [InlineData("rename d-aaaaaaaa tablet", "\"device\": \"d-aaaaaaaa\"")]
    [InlineData("rename alice Alix", "\"member\": \"alice\"")]
    public async Task The_word_says_whether_it_is_a_device_or_a_member(string line, string sent)
    {
        await using var socket = await AdminSocket.StartAsync();
        socket.Answers("POST /v1/renames", new MemberView("alice", "@alice:chat.example", "Alix", "active", [The.Connected]), AdminJson.Default.MemberView);
        var shell = new Shell(socket);

        Assert.Equal(0, await shell.RunAsync(line));

        Assert.Equal("alice  Alix  phone\n", shell.Out);
        Assert.Contains(sent, Assert.Single(socket.Requests), StringComparison.Ordinal);
    }

    [Fact]
    public async Task It_is_done_or_refused_by_the_gateway()
    {
        await using var gateway = await TestGateway.StartAsync();
        await gateway.EnrolAsync("alice", "phone");
        await gateway.EnrolAsync("alice", "laptop");

        var (device, _) = await gateway.Admin.RenameAsync("alice/phone", "tablet", default);
        Assert.Equal(["laptop", "tablet"], device.Devices.Select(one => one.Name).Order());
        var (member, _) = await gateway.Admin.RenameAsync("alice", "Alix", default);
        Assert.Equal("Alix", member.DisplayName);

        foreach (var (word, name, why) in new[]
        {
            ("alice/tablet", "laptop", "alice already has a device 'laptop'"),
            ("alice/phone", "other", "there is no live device 'alice/phone'"),
            ("alice/tablet", "a b", "'a b' cannot be a device's name"),
            ("bob", "Bob", "there is no member 'bob' with an account"),
            ("alice", "", "that cannot be a display name"),
        })
        {
            var refused = await Assert.ThrowsAsync<Gateway.Commands.CommandException>(() => gateway.Admin.RenameAsync(word, name, default));
            Assert.Equal(why, refused.Message);
        }
    }
}
