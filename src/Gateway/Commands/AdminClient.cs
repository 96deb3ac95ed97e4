using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Gateway.Admin;
using Gateway.Monitoring;
using Gateway.Onboarding.Devices;
using Gateway.Onboarding.Members;

namespace Gateway.Commands;

/// <summary>An answer of the gateway: what it means, and the JSON as it came, which <c>--json</c> prints.</summary>
internal sealed record Reply<T>(T View, string Json);

/// <summary>
/// The other end of the admin's socket: one method for each thing that can be asked. Every refusal and every fault
/// becomes a <see cref="CommandException"/>.
/// </summary>
internal sealed class AdminClient(HttpMessageHandler handler, string socket) : IDisposable
{
    /// <summary>
    /// An answer may hold more than this program knows: between an upgrade and the restart the gateway is another
    /// version, and a revocation has to work then too.
    /// </summary>
    private static readonly AdminJson Answers = new(new JsonSerializerOptions(JsonSerializerDefaults.Web)
    {
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Skip,
        RespectNullableAnnotations = true,
    });

    private static readonly TimeSpan RevocationDeadline = TimeSpan.FromSeconds(10);

    /// <summary>A revocation answers within 2 s; an enrolment may wait for a slow homeserver.</summary>
    private readonly HttpClient _http = new(handler) { BaseAddress = new("http://gateway/"), Timeout = TimeSpan.FromSeconds(60) };

#pragma warning disable CA2000 // The client owns the handler, and a connected stream its socket.
    public static AdminClient OverSocket(string socket) =>
        new(new SocketsHttpHandler { ConnectCallback = (_, cancellationToken) => ConnectAsync(socket, cancellationToken) }, socket);

    private static async ValueTask<Stream> ConnectAsync(string path, CancellationToken cancellationToken)
    {
        var connection = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await connection.ConnectAsync(new UnixDomainSocketEndPoint(path), cancellationToken);
            return new NetworkStream(connection, ownsSocket: true);
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }
#pragma warning restore CA2000

    public Task<Reply<EnrolmentView>> EnrolAsync(EnrolmentRequest request, CancellationToken cancellationToken) =>
        SendAsync(HttpMethod.Post, AdminRoutes.Enrolments, Json(request, AdminJson.Default.EnrolmentRequest), Answers.EnrolmentView, cancellationToken);

    public Task<Reply<EnrolmentView>> EnrolDrillAsync(CancellationToken cancellationToken) =>
        SendAsync(HttpMethod.Post, AdminRoutes.DrillEnrolments, null, Answers.EnrolmentView, cancellationToken);

    public Task<Reply<IReadOnlyList<DeviceView>>> DevicesAsync(string? member, string? device, CancellationToken cancellationToken)
    {
        var filter = member is { } localpart ? $"?member={Uri.EscapeDataString(localpart)}" : device is { } id ? $"?device={Uri.EscapeDataString(id)}" : "";
        return SendAsync(HttpMethod.Get, AdminRoutes.Devices + filter, null, Answers.IReadOnlyListDeviceView, cancellationToken);
    }

    public Task<Reply<IReadOnlyList<MemberView>>> MembersAsync(CancellationToken cancellationToken) =>
        SendAsync(HttpMethod.Get, AdminRoutes.Members, null, Answers.IReadOnlyListMemberView, cancellationToken);

    /// <summary>Whoever lost a phone does not wait for a gateway that hangs.</summary>
    public async Task<Reply<IReadOnlyList<DeviceView>>> RevokeAsync(RevocationRequest request, CancellationToken cancellationToken)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(RevocationDeadline);
        try
        {
            return await SendAsync(HttpMethod.Post, AdminRoutes.Revocations, Json(request, AdminJson.Default.RevocationRequest), Answers.IReadOnlyListDeviceView, patience.Token);
        }
        catch (OperationCanceledException late) when (!cancellationToken.IsCancellationRequested)
        {
            throw Late(late);
        }
    }

    public Task<Reply<LoginGrantView>> AllowLoginAsync(string device, CancellationToken cancellationToken) =>
        SendAsync(HttpMethod.Post, AdminRoutes.LoginGrants, Json(new(device), AdminJson.Default.LoginGrantRequest), Answers.LoginGrantView, cancellationToken);

    /// <summary>A word with a slash, an ID or an address is a device; any other is a member.</summary>
    public Task<Reply<MemberView>> RenameAsync(string word, string name, CancellationToken cancellationToken) =>
        SendAsync(
            HttpMethod.Post,
            AdminRoutes.Renames,
            Json(Localpart.TryParse(word, null, out _) && !DeviceId.TryParse(word, null, out _) && !IPAddress.TryParse(word, out _) ? new(null, word, name) : new(word, null, name), AdminJson.Default.RenameRequest),
            Answers.MemberView,
            cancellationToken);

    public Task<Reply<SessionAdoptionView>> AdoptSessionAsync(string device, CancellationToken cancellationToken) =>
        SendAsync(HttpMethod.Post, AdminRoutes.SessionAdoptions, Json(new(device), AdminJson.Default.SessionAdoptionRequest), Answers.SessionAdoptionView, cancellationToken);

    public Task<Reply<DeviceView>> MarkAsync(AdminDeviceRequest request, CancellationToken cancellationToken) =>
        SendAsync(HttpMethod.Post, AdminRoutes.AdminDevices, Json(request, AdminJson.Default.AdminDeviceRequest), Answers.DeviceView, cancellationToken);

    public Task<Reply<ConsoleLinkView>> ConsoleLinkAsync(CancellationToken cancellationToken) =>
        SendAsync(HttpMethod.Post, AdminRoutes.ConsoleLinks, null, Answers.ConsoleLinkView, cancellationToken);

    public Task<Reply<IReadOnlyList<DeviceView>>> SignInsAsync(CancellationToken cancellationToken) =>
        SendAsync(HttpMethod.Get, AdminRoutes.SignIns, null, Answers.IReadOnlyListDeviceView, cancellationToken);

    public Task<Reply<DeviceView>> DecideSignInAsync(SignInDecision decision, CancellationToken cancellationToken) =>
        SendAsync(HttpMethod.Post, AdminRoutes.SignIns, Json(decision, AdminJson.Default.SignInDecision), Answers.DeviceView, cancellationToken);

    public Task<Reply<LockView>> LockAsync(CancellationToken cancellationToken) =>
        SendAsync(HttpMethod.Put, AdminRoutes.Lock, null, Answers.LockView, cancellationToken);

    public Task<Reply<LockView>> UnlockAsync(string? device, bool all, CancellationToken cancellationToken) =>
        SendAsync(
            HttpMethod.Delete,
            AdminRoutes.Lock + (device is not null ? $"?device={Uri.EscapeDataString(device)}" : all ? "?all=true" : ""),
            null,
            Answers.LockView,
            cancellationToken);

    public Task<Reply<StatusView>> StatusAsync(CancellationToken cancellationToken) =>
        SendAsync(HttpMethod.Get, AdminRoutes.Status, null, Answers.StatusView, cancellationToken);

    /// <summary>The parts for whose sake members cannot be served now; none where they can.</summary>
    public Task<IReadOnlyList<string>> UnreadyAsync(CancellationToken cancellationToken) => ExchangeAsync<IReadOnlyList<string>>(
        new HttpRequestMessage(HttpMethod.Get, MonitoringRoutes.Ready),
        (response, text) => response.StatusCode switch
        {
            HttpStatusCode.OK => [],
            HttpStatusCode.ServiceUnavailable => text.Split('\n', StringSplitOptions.RemoveEmptyEntries),
            _ => throw Refusal(response, text),
        },
        cancellationToken);

    public Task<Reply<IReadOnlyList<FindingView>>> DoctorAsync(CancellationToken cancellationToken) =>
        SendAsync(HttpMethod.Get, AdminRoutes.Doctor, null, Answers.IReadOnlyListFindingView, cancellationToken);

    public Task<Reply<IReadOnlyList<AuditEntryView>>> AuditAsync(CancellationToken cancellationToken) => AuditAsync(since: null, device: null, cancellationToken);

    public Task<Reply<IReadOnlyList<AuditEntryView>>> AuditAsync(DateTimeOffset? since, string? device, CancellationToken cancellationToken)
    {
        string?[] filters = [since is { } from ? $"since={Uri.EscapeDataString($"{from:O}")}" : null, device is null ? null : $"device={Uri.EscapeDataString(device)}"];
        var query = string.Join('&', filters.OfType<string>());
        return SendAsync(HttpMethod.Get, query.Length == 0 ? AdminRoutes.Audit : $"{AdminRoutes.Audit}?{query}", null, Answers.IReadOnlyListAuditEntryView, cancellationToken);
    }

    public Task<Reply<AuditCheckView>> AuditCheckAsync(string? head, CancellationToken cancellationToken) =>
        SendAsync(HttpMethod.Get, AdminRoutes.AuditCheck + (head is null ? "" : $"?head={Uri.EscapeDataString(head)}"), null, Answers.AuditCheckView, cancellationToken);

    public Task<Reply<AuditHeadView>> AuditHeadAsync(CancellationToken cancellationToken) =>
        SendAsync(HttpMethod.Get, AdminRoutes.AuditHead, null, Answers.AuditHeadView, cancellationToken);

    public Task<Reply<HomeserverConfigView>> HomeserverConfigAsync(string registrationPath, CancellationToken cancellationToken) =>
        SendAsync(HttpMethod.Get, $"{AdminRoutes.HomeserverConfig}?registration={Uri.EscapeDataString(registrationPath)}", null, Answers.HomeserverConfigView, cancellationToken);

    public void Dispose() => _http.Dispose();

    private static byte[] Json<T>(T request, JsonTypeInfo<T> type) => JsonSerializer.SerializeToUtf8Bytes(request, type);

    private Task<Reply<T>> SendAsync<T>(HttpMethod method, string path, byte[]? json, JsonTypeInfo<T> type, CancellationToken cancellationToken) => ExchangeAsync<Reply<T>>(
        new HttpRequestMessage(method, path) { Content = json is null ? null : new ByteArrayContent(json) { Headers = { ContentType = new("application/json") } } },
        (response, text) => response.IsSuccessStatusCode ? new(JsonSerializer.Deserialize(text, type)!, text) : throw Refusal(response, text),
        cancellationToken);

    private async Task<T> ExchangeAsync<T>(HttpRequestMessage request, Func<HttpResponseMessage, string, T> read, CancellationToken cancellationToken)
    {
        using var sent = request;
        try
        {
            using var response = await _http.SendAsync(sent, cancellationToken);
            return read(response, await response.Content.ReadAsStringAsync(cancellationToken));
        }
        catch (HttpRequestException unanswered)
        {
            throw Unanswered(unanswered);
        }
        catch (OperationCanceledException late) when (!cancellationToken.IsCancellationRequested)
        {
            throw Late(late);
        }
        catch (JsonException strange)
        {
            throw new CommandException(CommandLine.Failed, "the gateway's answer is not understood", "is it another version? restart it: systemctl restart gateway", strange);
        }
    }

    private static CommandException Late(OperationCanceledException late) =>
        new(CommandLine.NoAnswer, "the gateway did not answer in time", "see its log, and what was done: gateway devices", late);

    private static CommandException Refusal(HttpResponseMessage response, string text)
    {
        if (response.Content.Headers.ContentType?.MediaType == "application/problem+json")
        {
            var problem = JsonSerializer.Deserialize(text, Answers.ProblemView)!;
            return CommandException.Refused(problem.Title, problem.Detail);
        }

        return CommandException.Refused($"the gateway answered {(int)response.StatusCode}", "see its log");
    }

    private CommandException Unanswered(HttpRequestException reason) => (reason.InnerException as SocketException)?.SocketErrorCode switch
    {
        SocketError.AccessDenied =>
            new(CommandLine.Failed, $"no permission on the gateway's socket {socket}", "use sudo, or join the group 'gateway'", reason),
        SocketError.ConnectionRefused or SocketError.AddressNotAvailable =>
            new(CommandLine.NoAnswer, $"the gateway is not running: nobody answers on {socket}", "start it: systemctl start gateway, or deploy/up", reason),
        _ => new(CommandLine.NoAnswer, $"the gateway broke off: {reason.Message}", "see its log, and what was done: gateway devices", reason),
    };
}
