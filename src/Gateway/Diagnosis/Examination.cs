namespace Gateway.Diagnosis;

/// <summary>How far an examination is, and what the last whole one found.</summary>
internal sealed record ExaminationState(bool IsRunning, int Looked, int Checks, IReadOnlyList<Finding>? Findings, DateTimeOffset? At);

/// <summary>The doctor for a page that cannot wait: one examination at a time, whoever asks for it, kept in memory until the next.</summary>
internal sealed class Examination(Doctor doctor, TimeProvider time, IHostApplicationLifetime lifetime)
{
    private readonly Lock _lock = new();
    private ExaminationState _state = new(IsRunning: false, Looked: 0, doctor.Checks, Findings: null, At: null);

    /// <summary>Called after each change of <see cref="State"/>; it must be quick.</summary>
    public Action Changed { get; set; } = () => { };

    public ExaminationState State => Volatile.Read(ref _state);

    /// <summary>Begins one, unless one is under way.</summary>
    public void Begin()
    {
        lock (_lock)
        {
            if (_state.IsRunning)
            {
                return;
            }

            _state = _state with { IsRunning = true, Looked = 0 };
        }

        Changed();
        _ = Task.Run(ExamineAsync);
    }

    private async Task ExamineAsync()
    {
        try
        {
            var findings = await doctor.ExamineAsync(() => Set(state => state with { Looked = state.Looked + 1 }), lifetime.ApplicationStopping);
            Set(state => state with { IsRunning = false, Findings = findings, At = time.GetUtcNow() });
        }
        catch (OperationCanceledException)
        {
            // The gateway ends, and nobody looks any more.
            Set(state => state with { IsRunning = false });
        }
    }

    private void Set(Func<ExaminationState, ExaminationState> change)
    {
        lock (_lock)
        {
            _state = change(_state);
        }

        Changed();
    }
}
