namespace Gateway.Diagnosis;

/// <summary>
/// Looks at the running gateway, its homeserver and its host as they are now, not as their files say they should be. All checks at
/// once, each for so long at most; none changes anything, or leaves anything behind.
/// </summary>
internal sealed class Doctor(IEnumerable<ICheck> checks)
{
    /// <summary>The homeserver has ten seconds for an answer.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(15);

    private readonly ICheck[] _checks = [.. checks];

    public int Checks => _checks.Length;

    public Task<IReadOnlyList<Finding>> ExamineAsync(CancellationToken cancellationToken) => ExamineAsync(() => { }, cancellationToken);

    /// <summary>Calls <paramref name="looked"/> after each check, on whatever thread it ends.</summary>
    public async Task<IReadOnlyList<Finding>> ExamineAsync(Action looked, CancellationToken cancellationToken)
    {
        var looks = await Task.WhenAll(_checks.Select(async check =>
        {
            var findings = await LookAsync(check, cancellationToken);
            looked();
            return findings;
        }));
        return [.. looks.SelectMany(findings => findings)];
    }

    private static async Task<IReadOnlyList<Finding>> LookAsync(ICheck check, CancellationToken cancellationToken)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        deadline.CancelAfter(Patience);
        try
        {
            return await check.LookAsync(deadline.Token).WaitAsync(deadline.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return [Finding.Unknown(check.Name, $"could not be looked at within {Patience.TotalSeconds:0} s")];
        }
        catch (Exception fault) when (fault is not OperationCanceledException)
        {
            return [Finding.Unknown(check.Name, $"could not be looked at: {fault.Message}")];
        }
    }
}
