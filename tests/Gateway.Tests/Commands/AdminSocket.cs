using System.Collections.Concurrent;
using System.Text;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Gateway.Tests.Commands;

/// <summary>
/// The other end of the command line: a real Kestrel on a Unix socket of its own, that answers as it is told and keeps
/// what it was asked.
/// </summary>
internal sealed class AdminSocket : IAsyncDisposable
{
    private readonly ConcurrentDictionary<string, Func<int, IResult>> _answers = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, int> _counts = new(StringComparer.Ordinal);
    private readonly WebApplication _app;

    private AdminSocket(string directory)
    {
        Directory = directory;
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.ListenUnixSocket(Path.Join(directory, "admin.sock")));
        _app = builder.Build();
        _app.Run(AnswerAsync);
    }

    /// <summary>A directory of the test's own, gone with it.</summary>
    public string Directory { get; }

    public string ConfigFile => Path.Join(Directory, "gateway.json");

    /// <summary>"METHOD path?query body", in the order they came.</summary>
    public ConcurrentQueue<string> Requests { get; } = new();

    public static async Task<AdminSocket> StartAsync()
    {
        var socket = new AdminSocket(System.IO.Directory.CreateTempSubdirectory("gateway-cli-").FullName);
        await File.WriteAllTextAsync(socket.ConfigFile, $$"""{ "Admin": { "Socket": "{{socket.Directory}}/admin.sock" } }""");
        await socket._app.StartAsync();
        return socket;
    }

    /// <summary>One answer for "METHOD /path".</summary>
    public void Answers<T>(string request, T view, JsonTypeInfo<T> type, int status = 200) =>
        _answers[request] = _ => Results.Json(view, type, statusCode: status);

    /// <summary>One answer after the other; the last one stays.</summary>
    public void AnswersInTurn<T>(string request, JsonTypeInfo<T> type, params T[] views) =>
        _answers[request] = count => Results.Json(views[Math.Min(count, views.Length) - 1], type);

    public void AnswersText(string request, string text, string contentType, int status) =>
        _answers[request] = _ => Results.Text(text, contentType, statusCode: status);

    public void Refuses(string request, string title, string? detail, int status) =>
        _answers[request] = _ => Results.Problem(detail, title: title, statusCode: status);

    public async ValueTask DisposeAsync()
    {
        await _app.DisposeAsync();
        System.IO.Directory.Delete(Directory, recursive: true);
    }

    private async Task AnswerAsync(HttpContext context)
    {
        using var reader = new StreamReader(context.Request.Body, Encoding.UTF8);
        var name = $"{context.Request.Method} {context.Request.Path}";
        Requests.Enqueue($"{name}{context.Request.QueryString} {await reader.ReadToEndAsync()}".TrimEnd());
        var count = _counts.AddOrUpdate(name, 1, (_, before) => before + 1);
        await (_answers.TryGetValue(name, out var answer) ? answer(count) : Results.NotFound()).ExecuteAsync(context);
    }
}
