namespace Gateway.Onboarding.Store;

/// <summary>The store cannot do its work. <see cref="Hint"/> says the way out.</summary>
public sealed class StoreException(string message, string hint, Exception? inner = null) : Exception(message, inner)
{
    public string Hint { get; } = hint;
}
