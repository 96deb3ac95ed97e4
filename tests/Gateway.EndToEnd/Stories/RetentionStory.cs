using System.Net;
using Gateway.EndToEnd.Lab;

namespace Gateway.EndToEnd.Stories;

/// <summary>
/// What goes by itself, in a real Synapse with the settings as they are written and with its own jobs: only its clock is ours.
/// It has a lab of its own, because everybody's time passes.
/// </summary>
public sealed class RetentionStory
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task Messages_files_and_what_was_deleted_are_gone_when_their_time_is_over()
    {
        await using var lab = new TestLab { MakeHomeserver = (server, folder) => Task.FromResult(new HomeserverHost(server, folder) { HasOwnClock = true }) };
        await lab.InitializeAsync();
        var homeserver = lab.Homeserver;
        var rosa = await PlainMember.SignInAsync(homeserver, "rosa");
        var room = await rosa.CreateRoomAsync();
        var (left, quiet) = (await rosa.CreateRoomAsync(), await rosa.CreateRoomAsync());
        await rosa.SayAsync(room, "words-of-the-first-day");
        var regretted = await rosa.SayAsync(room, "words-that-were-deleted");
        await rosa.AskAsync(HttpMethod.Put, PlainMember.In(room, $"redact/{regretted}/1"), "{}");
        await rosa.SayAsync(quiet, "words-without-an-answer");
        await rosa.AskAsync(HttpMethod.Post, PlainMember.In(left, "leave"), "{}");
        await UploadAsync(homeserver, rosa);
        Assert.Equal((1, 1, 1), (await WordsAsync("words-of-the-first-day"), await WordsAsync("words-that-were-deleted"), await FilesAsync()));

        // A day and some minutes: what a member deleted is nobody's any more, what they said still is.
        await homeserver.SetTimeAsync(TimeSpan.FromDays(1) + TimeSpan.FromMinutes(10));
        await Until.ValueAsync("what was deleted is gone", Patience, () => AfterAsync("words-that-were-deleted"), left => left == 0);
        await rosa.SayAsync(room, "words-of-the-second-day");
        Assert.Equal((1, 1), (await WordsAsync("words-of-the-first-day"), await FilesAsync()));

        // Two weeks after the first day, and not after the second: a purge job, an hour's look at files, and a room that all have left.
        await homeserver.SetTimeAsync(TimeSpan.FromDays(14) + TimeSpan.FromHours(1));
        await Until.ValueAsync("the messages of the first day are gone", Patience, () => AfterAsync("words-of-the-first-day"), left => left == 0);
        await Until.ValueAsync("the file is gone", Patience, FilesAsync, left => left == 0);
        await Until.ValueAsync("the room is gone", Patience, () => homeserver.CountAsync($"SELECT count(*) FROM events WHERE room_id = '{left}'"), rows => rows == 0);
        Assert.Equal(1, await WordsAsync("words-of-the-second-day"));

        // What Synapse does not do: the last message of a room stays until the room goes on (decision 16). Nobody is shown it.
        Assert.Equal(1, await WordsAsync("words-without-an-answer"));
        Assert.DoesNotContain("words-without-an-answer", (await rosa.AskAsync(HttpMethod.Get, PlainMember.In(quiet, "messages?dir=b&limit=50"))).GetRawText(), StringComparison.Ordinal);

        // Not even as bytes that nothing has overwritten.
        await homeserver.StopAsync();
        Assert.All(["words-of-the-first-day", "words-that-were-deleted"], words => Assert.False(homeserver.HoldsBytes(words), words));
        Assert.True(homeserver.HoldsBytes("words-of-the-second-day"));

        Task<int> WordsAsync(string words) => homeserver.CountAsync($"SELECT count(*) FROM event_json WHERE json LIKE '%{words}%'");

        // A request wakes Synapse, which then sees what time it is.
        async Task<int> AfterAsync(string words)
        {
            await rosa.AskAsync(HttpMethod.Get, "_matrix/client/v3/account/whoami");
            return await WordsAsync(words);
        }

        Task<int> FilesAsync() => Task.FromResult(Directory.GetFiles(Path.Combine(homeserver.MediaFolder, "local_content"), "*", SearchOption.AllDirectories).Length);
    }

    private static async Task UploadAsync(HomeserverHost homeserver, PlainMember member)
    {
        using var content = new ByteArrayContent(new byte[1000]);
        var answer = await homeserver.SendAsync(HttpMethod.Post, "_matrix/media/v3/upload", member.Token, content);
        Assert.Equal(HttpStatusCode.OK, answer.Status);
    }
}
