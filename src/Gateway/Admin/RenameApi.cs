using Gateway.Onboarding;
using Gateway.Onboarding.Enrolment;
using Gateway.Onboarding.Matrix;
using Gateway.Onboarding.Members;
using Gateway.Onboarding.Store;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Gateway.Admin;

/// <summary>Another name for a device or a member.</summary>
internal static class RenameApi
{
    public static async Task<Results<Ok<MemberView>, ProblemHttpResult>> RenameAsync(
        RenameRequest request, Renamer renamer, StateWriter writer, DeviceViews views, Homeserver homeserver, CancellationToken cancellationToken)
    {
        var refusal = request switch
        {
            { Device: { } device, Member: null } => renamer.RenameDevice(device, request.Name, AdminApi.By),
            { Device: null, Member: { } member } => await renamer.RenameMemberAsync(member, request.Name, AdminApi.By, cancellationToken),
            _ => new Refusal(RefusalKind.Invalid, "a new name is for either a device or a member", "give one of them"),
        };
        if (refusal is not null)
        {
            return AdminApi.Problem(refusal);
        }

        // A device is found by its old name no longer.
        var state = writer.Current;
        var localpart = request.Member is { } named ? Localpart.Parse(named, null) : Of(state, request.Device!, request.Name);
        return state.Members.TryGetValue(localpart, out var found)
            ? TypedResults.Ok(AdminApi.View(found, state.DevicesOf(localpart), views, homeserver))
            : AdminApi.Problem(new Refusal(RefusalKind.NotFound, "the member left at this very moment", "see 'gateway members'"));
    }

    private static Localpart Of(State state, string device, string name) =>
        state.Find(device) is [{ } known, ..] ? known.Member : state.Find($"{device.Split('/')[0]}/{name}")[0].Member;
}
