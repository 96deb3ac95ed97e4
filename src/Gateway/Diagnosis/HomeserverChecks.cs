using System.Net;
using System.Text;
using Gateway.Proxy;

namespace Gateway.Diagnosis;

/// <summary>What the running homeserver lets strangers do: asked of it without a token, not read from its files.</summary>
internal sealed class HomeserverChecks(HomeserverOptions options) : ICheck
{
    private const string Settings = "gateway homeserver-config writes the settings: give them to Synapse after its own, and restart it";

    public string Name => "homeserver's doors";

    public async Task<IReadOnlyList<Finding>> LookAsync(CancellationToken cancellationToken)
    {
        using var http = new HttpClient(HomeserverConnection.Handler(options)) { BaseAddress = new Uri(options.Origin) };
        var registration = await AskAsync(http, HttpMethod.Post, "/_matrix/client/v3/register", cancellationToken);
        var guests = await AskAsync(http, HttpMethod.Post, "/_matrix/client/v3/register?kind=guest", cancellationToken);
        var federation = await AskAsync(http, HttpMethod.Get, "/_matrix/federation/v1/version", cancellationToken);
        var keys = await AskAsync(http, HttpMethod.Get, "/_matrix/key/v2/server", cancellationToken);
        var rooms = await AskAsync(http, HttpMethod.Get, "/_matrix/client/v3/publicRooms", cancellationToken);
        return
        [
            Shut("registration", registration, HttpStatusCode.Forbidden, "nobody makes an account without the admin", "strangers may make accounts"),
            Shut("guests", guests, HttpStatusCode.Forbidden, "there are no guests", "strangers may come in as guests"),
            Shut("federation", federation is HttpStatusCode.NotFound ? keys : federation, HttpStatusCode.NotFound, "no other server is spoken to", "other servers are answered"),
            Shut("public rooms", rooms, HttpStatusCode.Unauthorized, "the list of rooms is for members", "strangers may read the list of rooms"),
        ];
    }

    /// <summary>One answer says that it is shut; those of a homeserver in trouble say nothing; any other is an open door.</summary>
    private static Finding Shut(string name, HttpStatusCode answer, HttpStatusCode refusal, string well, string open) =>
        answer == refusal ? Finding.Ok(name, well)
        : answer is HttpStatusCode.TooManyRequests or >= HttpStatusCode.InternalServerError ? Finding.Unknown(name, $"the homeserver answered {(int)answer}")
        : Finding.Fault(name, $"{open} (the homeserver answered {(int)answer})", Settings);

    private static async Task<HttpStatusCode> AskAsync(HttpClient http, HttpMethod method, string path, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(method, path);
        if (method == HttpMethod.Post)
        {
            request.Content = new StringContent("{}", Encoding.UTF8, "application/json");
        }

        // Synapse counts what strangers ask by address, and warns where a proxy does not say the scheme.
        request.Headers.TryAddWithoutValidation("X-Forwarded-For", "127.0.0.1");
        request.Headers.TryAddWithoutValidation("X-Forwarded-Proto", "https");
        using var reply = await http.SendAsync(request, cancellationToken);
        return reply.StatusCode;
    }
}
