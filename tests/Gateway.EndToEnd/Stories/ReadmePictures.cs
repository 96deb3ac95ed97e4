using System.Text.Json;
using System.Text.Json.Nodes;
using Gateway.EndToEnd.Lab;

namespace Gateway.EndToEnd.Stories;

/// <summary>
/// A small group on a small day, photographed: the README's pictures (docs/pictures, copied from the test logs' pages). What they
/// show is asserted elsewhere; here only that they show what they are named after.
/// </summary>
public sealed class ReadmePictures
{
    [Fact]
    public async Task A_day_in_pictures()
    {
        await using var lab = await SmallLab.MakeAsync();
        await lab.Gateway.StartAsync();
        await SignInAsync(lab, "camille", "Camille", "Element X");
        await EnrolAsync(lab, "alix", "Alix", "laptop");
        var sacha = await SignInAsync(lab, "sacha", "Sacha", "Element X");
        await using var admin = ConsoleBrowser.Start(lab.Server, Directory.CreateDirectory(Path.Combine(lab.Network.Name.Folder, "console")).FullName);
        await admin.OpenAsync("en-GB", Viewport.Laptop);
        await admin.VisitAsync((await lab.Gateway.JsonAsync("console-link")).GetProperty("local").GetString()!);
        await admin.TapAsync("Sign in", "nav");

        await admin.VisitAsync($"{ConsoleBrowser.Console}/");
        await admin.AwaitAsync("#m-sacha .dot.ok");
        await admin.PictureAsync("readme-members");
        await admin.TapAsync("New member", "#localpart");
        await admin.TypeAsync("Noor", "Name");
        await admin.TapAsync("Make the QR code", "#show-code");
        await admin.OpenUpAsync("#show-code", "#enrol-code .qr svg");
        await admin.PictureAsync("readme-enrol");
        await admin.VisitAsync($"{ConsoleBrowser.Console}/devices/{sacha}/lost");
        await admin.TapAsync("Cut off Sacha’s phone", "#device ol.flow");
        var lost = await admin.AwaitAsync("#device li.done:nth-child(3)");
        await admin.PictureAsync("readme-lost");

        Assert.Contains("Sacha’s phone is cut off", lost.Text, StringComparison.Ordinal);
        Assert.Equal(3, Directory.GetFiles(TestLogs.Pictures, "readme-*-light.png").Length);
    }

    private static async Task<string> SignInAsync(SmallLab lab, string member, string name, string app)
    {
        var enrolment = await EnrolAsync(lab, member, name, "phone");
        var handset = await lab.AddHandsetAsync();
        await handset.ScanAsync(enrolment.GetProperty("config").GetString()!);
        using var login = MatrixAnswer.Request(HttpMethod.Post, "/_matrix/client/v3/login", null);
        login.Content = Phone.JsonContentOf(new JsonObject
        {
            ["type"] = "m.login.password",
            ["identifier"] = new JsonObject { ["type"] = "m.id.user", ["user"] = member },
            ["password"] = enrolment.GetProperty("loginCode").GetString(),
            ["initial_device_display_name"] = app,
        });
        using var reply = await handset.Http.SendAsync(login);
        reply.EnsureSuccessStatusCode();
        return enrolment.GetProperty("device").GetProperty("id").GetString()!;
    }

    private static async Task<JsonElement> EnrolAsync(SmallLab lab, string member, string name, string device) =>
        (await lab.Gateway.TellAsync(HttpMethod.Post, "v1/enrolments", new JsonObject { ["member"] = member, ["device"] = device, ["displayName"] = name, ["os"] = null, ["adopt"] = false })).Json;
}
