using Gateway.Onboarding.Audit;
using Gateway.Onboarding.Keys;
using Gateway.Onboarding.Store;

namespace Gateway.Admin;

/// <summary>The audit in the program: its log, and its part of the admin's socket.</summary>
internal static class AuditApi
{
    public static void AddAudit(this IServiceCollection services, string directory)
    {
        services.AddSingleton(provider => AuditLog.In(
            directory,
            provider.GetRequiredService<StoreFile>(),
            provider.GetRequiredService<Entropy>(),
            provider.GetRequiredService<TimeProvider>(),
            provider.GetRequiredService<ILogger<AuditLog>>()));
        services.AddSingleton<AuditKeeper>().AddHostedService(provider => provider.GetRequiredService<AuditKeeper>());
    }

    /// <summary>First what a crash may have left out, then everything, before anything can happen.</summary>
    public static void FollowWithAudit(this IServiceProvider services)
    {
        var (audit, writer, store) = (services.GetRequiredService<AuditLog>(), services.GetRequiredService<StateWriter>(), services.GetRequiredService<StoreFile>());
        audit.CatchUp(store.ReadIntents(), writer.Current);
        writer.Watch(audit.Follow);
        store.Audited = audit.Sync;
    }

    public static void MapAudit(this IEndpointRouteBuilder routes)
    {
        routes.MapGet(AdminRoutes.Audit, Read);
        routes.MapGet(AdminRoutes.AuditCheck, Check);
        routes.MapGet(AdminRoutes.AuditHead, Head);
    }

    private static IReadOnlyList<AuditEntryView> Read(DateTimeOffset? since, string? device, AuditLog audit) =>
        [.. audit.Read()
            .Where(entry => (since is null || entry.At >= since) && (device is null || entry.Device == device || entry.DeviceId == device))
            .Select(View)];

    private static AuditCheckView Check(string? head, AuditLog audit)
    {
        var check = audit.Verify(head);
        return new(
            check.Fault is null,
            check.Entries,
            check.First,
            check.Last,
            check.Dropped is null ? null : View(check.Dropped),
            [.. check.Gaps.Select(View)],
            check.Fault is { } fault ? new(fault.Number, fault.What, fault.Detail) : null);
    }

    private static AuditHeadView Head(AuditLog audit)
    {
        var head = audit.Head();
        return new(head.Number, head.At, head.Line);
    }

    private static AuditEntryView View(AuditEntry entry) => new(entry.Number, entry.At, entry.Action, entry.Member, entry.Device, entry.DeviceId, entry.Detail);
}
