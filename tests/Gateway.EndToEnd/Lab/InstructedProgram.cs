using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Gateway.EndToEnd.Lab;

/// <summary>
/// A program that is told what to do over standard input and answers on standard output, one line of JSON each
/// (Clients/instructions.mjs). Instructions may run side by side.
/// </summary>
public abstract class InstructedProgram : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(45);

    private readonly RunningProgram program;
    private readonly ConcurrentDictionary<int, TaskCompletionSource<JsonElement>> open = new();
    private readonly Task listening;
    private int count;

    protected InstructedProgram(ProcessStartInfo start, string logName)
    {
        program = new RunningProgram(start, logName);
        listening = ListenAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await program.DisposeAsync();
        await listening;
        GC.SuppressFinalize(this);
    }

    protected async Task<JsonElement> AskAsync(string instruction, JsonObject? more = null)
    {
        var id = Interlocked.Increment(ref count);
        var answer = open[id] = new TaskCompletionSource<JsonElement>(TaskCreationOptions.RunContinuationsAsynchronously);
        var line = more ?? [];
        line["id"] = id;
        line["do"] = instruction;
        await program.WriteLineAsync(line.ToJsonString());
        try
        {
            return await answer.Task.WaitAsync(Patience);
        }
        catch (TimeoutException e)
        {
            throw new TimeoutException($"'{instruction}' was not done within {Patience.TotalSeconds} s; the program said last: {program.LastWords}", e);
        }
    }

    private async Task ListenAsync()
    {
        await foreach (var line in program.Lines.ReadAllAsync())
        {
            var answer = JsonElement.Parse(line);
            if (!open.TryRemove(answer.GetProperty("id").GetInt32(), out var waiting))
            {
                continue;
            }

            if (answer.TryGetProperty("error", out var error))
            {
                waiting.SetException(new InstructionException(error));
            }
            else
            {
                waiting.SetResult(answer.GetProperty("result"));
            }
        }

        foreach (var waiting in open.Values)
        {
            waiting.TrySetException(new InvalidOperationException($"the program ended: {program.LastWords}"));
        }
    }
}

/// <summary>What went wrong in the program; the first three where it was the answer of a Matrix server.</summary>
public sealed class InstructionException(JsonElement error) : Exception(error.ToString())
{
    public int? Status { get; } = error.GetProperty("status") is { ValueKind: JsonValueKind.Number } status ? status.GetInt32() : null;

    public string? ErrorCode { get; } = error.GetProperty("errcode").GetString();

    public bool SoftLogout { get; } = error.GetProperty("softLogout").GetBoolean();
}
