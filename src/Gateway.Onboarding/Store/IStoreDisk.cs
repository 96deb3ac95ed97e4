namespace Gateway.Onboarding.Store;

/// <summary>
/// The directory that the store's files lie in, and all that the store asks of a disk. A file's <see cref="Stream.Flush"/>
/// returns when what was written is on the disk; a name is there for good only after <see cref="SyncNames"/>.
/// Tests put disks in its place that fill up, fail, and lose power.
/// </summary>
internal interface IStoreDisk
{
    IReadOnlyList<string> Names();

    byte[] Read(string name);

    /// <summary>A new, empty file, for its owner alone; an old one of that name is gone.</summary>
    Stream Create(string name);

    /// <summary>An existing file, to be read and written.</summary>
    Stream Open(string name);

    /// <summary>Gives a file another name, in place of what bears it: before or after, never between.</summary>
    void Rename(string from, string to);

    void Delete(string name);

    void SyncNames();

    /// <summary>Tells this very file from a copy of it, however faithful.</summary>
    ulong Identity(string name);
}
