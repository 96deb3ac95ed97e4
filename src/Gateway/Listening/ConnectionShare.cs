using System.Collections.Concurrent;
using System.Net;
using Microsoft.AspNetCore.Connections;

namespace Gateway.Listening;

/// <summary>
/// How many connections one source address may hold: no device, and no stolen one in quarantine, uses up the listener's
/// places. Counted before TLS, so that a connection over the limit costs nothing.
/// </summary>
internal static class ConnectionShare
{
    /// <summary>A browser opens six with HTTP/1.1, an app few more; every one carries 100 requests at once with HTTP/2.</summary>
    private const int Most = 64;

    public static Func<ConnectionDelegate, ConnectionDelegate> OfEachAddress()
    {
        var open = new ConcurrentDictionary<IPAddress, int>();
        return next => async connection =>
        {
            var address = (connection.RemoteEndPoint as IPEndPoint)?.Address ?? IPAddress.None;
            try
            {
                if (open.AddOrUpdate(address, 1, (_, count) => count + 1) > Most)
                {
                    connection.Abort();
                    return;
                }

                await next(connection);
            }
            finally
            {
                // There are no more entries than tunnel addresses: none needs to be removed.
                open.AddOrUpdate(address, 0, (_, count) => count - 1);
            }
        };
    }
}
