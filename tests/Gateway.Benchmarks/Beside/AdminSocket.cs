using System.Net.Sockets;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Gateway.Benchmarks.Beside;

/// <summary>The admin's socket, as a script uses it.</summary>
internal sealed class AdminSocket(string path) : IDisposable
{
    private readonly HttpClient _http = new(new SocketsHttpHandler
    {
        ConnectCallback = async (_, token) =>
        {
            var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), token);
            return new NetworkStream(socket, ownsSocket: true);
        },
    })
    {
        BaseAddress = new Uri("http://gateway/"),
        Timeout = TimeSpan.FromSeconds(60),
    };

    public async Task<IReadOnlyList<(string Address, string Id, DateTimeOffset? RevokedAt)>> DevicesAsync() =>
        [.. (await GetAsync("v1/devices")).EnumerateArray().Select(device => (
            device.GetProperty("tunnelAddress").GetString()!,
            device.GetProperty("id").GetString()!,
            device.GetProperty("revocation") is { ValueKind: JsonValueKind.Object } revocation ? revocation.GetProperty("requestedAt").GetDateTimeOffset() : (DateTimeOffset?)null))];

    public Task<JsonElement> GetAsync(string target) => _http.GetFromJsonAsync<JsonElement>(target);

    public Task RevokeAsync(string device) => PostAsync("v1/revocations", new JsonObject { ["device"] = device, ["member"] = null, ["cut"] = false, ["erase"] = false });

    /// <summary>The enrolment's configuration.</summary>
    public async Task<string> EnrolAsync(string member) =>
        (await PostAsync("v1/enrolments", new JsonObject { ["member"] = member, ["device"] = null, ["displayName"] = null, ["os"] = null, ["adopt"] = false })).GetProperty("config").GetString()!;

    public void Dispose() => _http.Dispose();

    private async Task<JsonElement> PostAsync(string target, JsonObject body)
    {
        using var reply = await _http.PostAsJsonAsync(target, body);
        var said = await reply.Content.ReadAsStringAsync();
        return reply.IsSuccessStatusCode ? JsonElement.Parse(said) : throw new InvalidOperationException($"{target}: {said}");
    }
}
