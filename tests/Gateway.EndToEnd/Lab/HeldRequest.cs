using System.Diagnostics;
using System.Net;

namespace Gateway.EndToEnd.Lab;

/// <summary>How a held request ended: with an answer or because the connection went, and when: by the clock, and after its start.</summary>
public sealed record RequestEnd(MatrixAnswer? Answer, string? Broke, DateTimeOffset At, TimeSpan After);

/// <summary>
/// A request that is meant to stay open: a long poll, or an upload that never finishes by itself. It has a connection of its
/// own and never tries again, so that an answer proves that nothing was interrupted.
/// </summary>
public sealed class HeldRequest : IAsyncDisposable
{
    private readonly CancellationTokenSource givingUp = new();
    private readonly Task<RequestEnd> end;

    private readonly SlowContent? content;

    private HeldRequest(Phone phone, HttpRequestMessage request)
    {
        content = request.Content as SlowContent;
        end = SendAsync(phone, request, givingUp.Token);
    }

    /// <summary>A /sync that waits for news for 30 s.</summary>
    public static HeldRequest Sync(Phone phone, string accessToken, string since) =>
        new(phone, MatrixAnswer.Request(HttpMethod.Get, $"_matrix/client/v3/sync?since={since}&timeout=30000", accessToken));

    /// <summary>An upload whose announced 20 MB come in drops.</summary>
    public static HeldRequest Upload(Phone phone, string accessToken)
    {
        var request = MatrixAnswer.Request(HttpMethod.Post, "_matrix/media/v3/upload?filename=slow", accessToken);
        request.Content = new SlowContent();
        return new HeldRequest(phone, request);
    }

    /// <summary>How much of an upload has left the phone.</summary>
    public int Sent => content?.Sent ?? 0;

    public bool HasEnded => end.IsCompleted;

    public Task<RequestEnd> EndAsync(TimeSpan within) => end.WaitAsync(within);

    public async ValueTask DisposeAsync()
    {
        await givingUp.CancelAsync();
        await end;
        givingUp.Dispose();
    }

    private static async Task<RequestEnd> SendAsync(Phone phone, HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var start = Stopwatch.GetTimestamp();
        MatrixAnswer? answer = null;
        string? broke = null;
        using (request)
        {
            try
            {
                using var response = await phone.Http.SendAsync(request, HttpCompletionOption.ResponseContentRead, cancellationToken);
                answer = await MatrixAnswer.ReadAsync(response);
            }
            catch (Exception e) when (e is HttpRequestException or OperationCanceledException or IOException)
            {
                broke = e.ToString();
            }
        }

        return new RequestEnd(answer, broke, TimeProvider.System.GetUtcNow(), Stopwatch.GetElapsedTime(start));
    }

    private sealed class SlowContent : HttpContent
    {
        private const int Announced = 20_000_000;
        private static readonly byte[] Drop = new byte[4096];

        private int sent;

        public int Sent => Volatile.Read(ref sent);

        protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) =>
            SerializeToStreamAsync(stream, context, CancellationToken.None);

        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken)
        {
            while (sent < Announced)
            {
                await stream.WriteAsync(Drop, cancellationToken);
                await stream.FlushAsync(cancellationToken);
                Volatile.Write(ref sent, sent + Drop.Length);
                await Task.Delay(TimeSpan.FromMilliseconds(20), cancellationToken);
            }
        }

        protected override bool TryComputeLength(out long length)
        {
            length = Announced;
            return true;
        }
    }
}
