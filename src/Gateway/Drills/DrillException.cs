namespace Gateway.Drills;

/// <summary>Why a step of the drill could not be played, and the way out.</summary>
internal sealed class DrillException(string message, string? hint = null, Exception? inner = null) : Exception(message, inner)
{
    public string? Hint => hint;
}
