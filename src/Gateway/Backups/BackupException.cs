namespace Gateway.Backups;

/// <summary>Why a backup or a restore did not come about, and the way out. Nothing half done is left when it is thrown.</summary>
internal sealed class BackupException(string message, string hint, Exception? inner = null) : Exception(message, inner)
{
    public string Hint => hint;
}
