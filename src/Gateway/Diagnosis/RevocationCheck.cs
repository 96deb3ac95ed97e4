using Gateway.Onboarding.Devices;
using Gateway.Onboarding.Store;

namespace Gateway.Diagnosis;

/// <summary>A lost phone whose revocation does not come to its end: somebody has to know.</summary>
internal sealed class RevocationCheck(StateWriter writer, TimeProvider time) : ICheck
{
    /// <summary>The steps that need nobody but this host and the homeserver take less than a second.</summary>
    private static readonly TimeSpan Long = TimeSpan.FromMinutes(5);

    public string Name => "revocations";

    public Task<IReadOnlyList<Finding>> LookAsync(CancellationToken cancellationToken)
    {
        var stuck = writer.Current.Devices.Values
            .Where(device => device.Revocation is { } revocation && time.GetUtcNow() - revocation.RequestedAt > Long
                && revocation.Steps.Any(step => step.State == StepState.Retrying))
            .Select(device => device.Label).Order(StringComparer.Ordinal).ToList();
        return Task.FromResult<IReadOnlyList<Finding>>(
            [stuck.Count == 0
                ? Finding.Ok(Name, "none is stuck")
                : Finding.Fault(Name, $"not finished after {Long.TotalMinutes:0} minutes: {string.Join(", ", stuck)}", "gateway devices names the step and why; the device itself is shut out")]);
    }
}
