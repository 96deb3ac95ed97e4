using Gateway.Onboarding.Consoles;
using Gateway.Onboarding.Store;
using Microsoft.AspNetCore.Identity;

namespace Gateway.Admin.Access;

/// <summary>The one account of the console, as ASP.NET Core's identity asks for it.</summary>
internal sealed class ConsoleAdmin
{
    /// <summary>The account's name and ID; authenticators keep it, and it says nothing of anybody.</summary>
    public const string Name = "admin";

    public static readonly ConsoleAdmin Only = new();
}

/// <summary>
/// The passkeys that the state holds, for ASP.NET Core to check signatures with. Nothing is changed through it: adding,
/// using and removing a passkey are intents like all others (<see cref="ConsoleWays"/>).
/// </summary>
internal sealed class PasskeyStore(StateWriter writer) : IUserPasskeyStore<ConsoleAdmin>, IUserSecurityStampStore<ConsoleAdmin>
{
    public Task<IList<UserPasskeyInfo>> GetPasskeysAsync(ConsoleAdmin user, CancellationToken cancellationToken) =>
        Task.FromResult<IList<UserPasskeyInfo>>([.. writer.Current.Console.Passkeys.Select(Info)]);

    public Task<ConsoleAdmin?> FindByPasskeyIdAsync(byte[] credentialId, CancellationToken cancellationToken) =>
        Task.FromResult(writer.Current.Console.Find(credentialId) is null ? null : ConsoleAdmin.Only);

    public Task<UserPasskeyInfo?> FindPasskeyAsync(ConsoleAdmin user, byte[] credentialId, CancellationToken cancellationToken) =>
        Task.FromResult(writer.Current.Console.Find(credentialId) is { } passkey ? Info(passkey) : null);

    public Task<string> GetUserIdAsync(ConsoleAdmin user, CancellationToken cancellationToken) => Task.FromResult(ConsoleAdmin.Name);

    public Task<string?> GetUserNameAsync(ConsoleAdmin user, CancellationToken cancellationToken) => Task.FromResult<string?>(ConsoleAdmin.Name);

    public Task<string?> GetNormalizedUserNameAsync(ConsoleAdmin user, CancellationToken cancellationToken) => GetUserNameAsync(user, cancellationToken);

    public Task<ConsoleAdmin?> FindByIdAsync(string userId, CancellationToken cancellationToken) =>
        Task.FromResult(userId == ConsoleAdmin.Name ? ConsoleAdmin.Only : null);

    public Task<ConsoleAdmin?> FindByNameAsync(string normalizedUserName, CancellationToken cancellationToken) =>
        Task.FromResult(string.Equals(normalizedUserName, ConsoleAdmin.Name, StringComparison.OrdinalIgnoreCase) ? ConsoleAdmin.Only : null);

    /// <summary>Identity's own sessions, which a stamp would end, are not used.</summary>
    public Task<string?> GetSecurityStampAsync(ConsoleAdmin user, CancellationToken cancellationToken) => Task.FromResult<string?>(ConsoleAdmin.Name);

    public Task AddOrUpdatePasskeyAsync(ConsoleAdmin user, UserPasskeyInfo passkey, CancellationToken cancellationToken) => throw new NotSupportedException();

    public Task RemovePasskeyAsync(ConsoleAdmin user, byte[] credentialId, CancellationToken cancellationToken) => throw new NotSupportedException();

    public Task<IdentityResult> CreateAsync(ConsoleAdmin user, CancellationToken cancellationToken) => throw new NotSupportedException();

    public Task<IdentityResult> UpdateAsync(ConsoleAdmin user, CancellationToken cancellationToken) => throw new NotSupportedException();

    public Task<IdentityResult> DeleteAsync(ConsoleAdmin user, CancellationToken cancellationToken) => throw new NotSupportedException();

    public Task SetUserNameAsync(ConsoleAdmin user, string? userName, CancellationToken cancellationToken) => throw new NotSupportedException();

    public Task SetNormalizedUserNameAsync(ConsoleAdmin user, string? normalizedName, CancellationToken cancellationToken) => throw new NotSupportedException();

    public Task SetSecurityStampAsync(ConsoleAdmin user, string stamp, CancellationToken cancellationToken) => throw new NotSupportedException();

    public void Dispose()
    {
        // The state outlives it.
    }

    private static UserPasskeyInfo Info(Passkey passkey) => new(
        [.. passkey.CredentialId], [.. passkey.PublicKey], passkey.AddedAt, passkey.SignCount, [.. passkey.Transports],
        isUserVerified: true, passkey.IsBackupEligible, passkey.IsBackedUp, attestationObject: [], clientDataJson: []);
}
