using System.Net;
using System.Security.Cryptography;
using Gateway.EndToEnd.Lab;

namespace Gateway.EndToEnd.Stories;

/// <summary>The store is lost, damaged or put back from a copy, or a phone is lost while the gateway does not run.</summary>
[Collection(SharedLab.Name)]
public sealed class DisasterStory(TestLab lab) : IAsyncDisposable
{
    private string Data => lab.Gateway.Settings["Gateway:DataDirectory"]!.GetValue<string>();

    public ValueTask DisposeAsync() => lab.EndStoryAsync();

    [Fact]
    public async Task A_store_that_is_not_whole_is_left_as_it_is_and_nothing_is_served()
    {
        await lab.Gateway.StopAsync();
        var saved = Directory.CreateDirectory(Path.Combine(lab.Network.Name.Folder, "saved")).FullName;
        try
        {
            foreach (var file in Directory.GetFiles(Data))
            {
                var copy = Path.Combine(saved, Path.GetFileName(file));
                File.Copy(file, copy);
            }

            // Until the audit has caught up an older journal may stand beside the one that is written to.
            var journals = Directory.GetFiles(Data, "journal-*").Select(file => Path.GetFileName(file)!).Order(StringComparer.Ordinal).ToArray();
            await AssertRefusedAsync(bytes => null, "gateway.db");
            await AssertRefusedAsync(bytes => bytes[..(bytes.Length / 2)], "gateway.db");
            await AssertRefusedAsync(bytes => null, journals);
            await AssertRefusedAsync(bytes => [.. bytes[..100], .. bytes[101..]], journals[^1]);
            await AssertRefusedAsync(bytes => null, "store.key");
            await AssertRefusedAsync(bytes => [.. bytes[1..], 7], "store.key");
        }
        finally
        {
            await lab.Gateway.StartAsync();
        }

        async Task AssertRefusedAsync(Func<byte[], byte[]?> damage, params string[] names)
        {
            foreach (var file in names.Select(name => Path.Combine(Data, name)))
            {
                // Moved away and back, so that the file stays the file that it was.
                var bytes = await File.ReadAllBytesAsync(file);
                File.Move(file, file + ".away");
                if (damage(bytes) is { } damaged)
                {
                    await File.WriteAllBytesAsync(file, damaged);
                }
            }

            var before = Fingerprint();
            var (code, said) = await lab.Gateway.StartInVainAsync();
            var after = Fingerprint();
            foreach (var file in names.Select(name => Path.Combine(Data, name)))
            {
                File.Delete(file);
                File.Move(file + ".away", file);
            }

            Assert.Equal(1, code);
            Assert.Contains("error: ", said, StringComparison.Ordinal);
            Assert.Contains("hint: ", said, StringComparison.Ordinal);
            Assert.Equal(before, after);
        }
    }

    [Fact]
    public async Task A_second_gateway_on_the_same_data_is_refused_while_the_first_goes_on()
    {
        var (code, said) = await lab.Gateway.StartInVainAsync();

        Assert.Equal(1, code);
        Assert.Contains("another gateway", said, StringComparison.Ordinal);
        await lab.Gateway.AskAsync("v1/status");
    }

    [Fact]
    public async Task A_phone_that_is_lost_while_the_gateway_is_down_is_out_before_anybody_is_served_again()
    {
        var zoltan = await lab.SignInAsync("zoltan");
        await zoltan.CalmAsync();
        await lab.Gateway.StopAsync();
        Finished said;
        Finished slip;
        try
        {
            slip = await lab.Gateway.RunAsync("revoke", "zlotan/phone");
            said = await lab.Gateway.RunAsync("revoke", "zoltan/phone");
        }
        finally
        {
            await lab.Gateway.StartAsync();
        }

        var next = await zoltan.Phone.GetAsync("_matrix/client/v3/account/whoami", zoltan.Client.AccessToken);
        Assert.Equal((1, 0), (slip.ExitCode, said.ExitCode));
        Assert.Contains("zoltan/phone", said.Output, StringComparison.Ordinal);
        Assert.Contains("warning: the gateway is not running", said.Error, StringComparison.Ordinal);
        Assert.Equal((HttpStatusCode.Unauthorized, "M_UNKNOWN_TOKEN"), (next.Status, next.ErrorCode));
        await Until.ValueAsync("its session goes", TimeSpan.FromSeconds(30), () => lab.Homeserver.SessionsAsync(zoltan.UserId), sessions => sessions.Count == 0);
    }

    [Fact]
    public async Task A_copy_that_is_put_back_starts_locked_and_erases_nothing()
    {
        var yannis = await lab.SignInAsync("yannis");
        await yannis.CalmAsync();
        await lab.Gateway.StopAsync();
        try
        {
            // As an admin does it: the same files, with other inodes.
            var copy = Data + ".copy";
            (await lab.Server.RunAsync("cp", "-a", Data, copy)).Expect();
            Directory.Delete(Data, recursive: true);
            Directory.Move(copy, Data);
        }
        finally
        {
            await lab.Gateway.StartAsync();
        }

        try
        {
            var shut = await yannis.Phone.GetAsync("_matrix/client/v3/account/whoami", yannis.Client.AccessToken);
            var unlock = await lab.Gateway.RunAsync("unlock");

            Assert.Equal(HttpStatusCode.ServiceUnavailable, shut.Status);
            Assert.Equal(1, unlock.ExitCode);
            Assert.Contains("put back from a copy", unlock.Error, StringComparison.Ordinal);
        }
        finally
        {
            (await lab.Gateway.RunAsync("unlock", "--all")).Expect();
        }

        Assert.Equal(HttpStatusCode.OK, (await yannis.Phone.GetAsync("_matrix/client/v3/account/whoami", yannis.Client.AccessToken)).Status);
        Assert.Equal([yannis.Client.SessionId], await lab.Homeserver.SessionsAsync(yannis.UserId));
    }

    private string Fingerprint() => string.Join('\n', Directory.GetFiles(Data).Order(StringComparer.Ordinal)
        .Select(file => $"{Path.GetFileName(file)} {Convert.ToHexString(SHA256.HashData(File.ReadAllBytes(file)))}"));
}
