// What keeps a member's messages readable after the phone is gone: identity, recovery key and key backup, as apps set
// them up and take them over. `app.client` is matrix-js-sdk's client of the moment.
export function recovery(app, decodeRecoveryKey) {
  let privateKey = null;
  let question = null;

  /** Handed to every client: where the library asks for the recovery key. */
  const cryptoCallbacks = {
    getSecretStorageKey: async ({ keys }) => (privateKey ? [Object.keys(keys)[0], privateKey] : null),
    cacheSecretStorageKey: (_, __, key) => {
      privateKey = key;
    },
  };

  const createSecretStorageKey = async () => app.client.getCrypto().createRecoveryKeyFromPassphrase();

  /**
   * User-Interactive Authentication as apps do it: they send the request, are asked, and show a field for the password;
   * when the member has typed, they send it once more with that.
   */
  const asking = (code) => async (request) => {
    if (code !== null) {
      return request({
        type: 'm.login.password',
        identifier: { type: 'm.id.user', user: app.client.getUserId() },
        password: code,
        session: question.session,
      });
    }

    try {
      return await request(null);
    } catch (error) {
      question = error.data;
      if (error.httpStatus === 401 && !question.flows?.some((flow) => flow.stages.join() === 'm.login.password')) {
        throw new Error('a dead end: no app has a way to answer', { cause: error });
      }

      throw error;
    }
  };

  const instructions = {
    async setUpRecovery() {
      const crypto = app.client.getCrypto();
      const key = await createSecretStorageKey();
      await crypto.bootstrapCrossSigning({ authUploadDeviceSigningKeys: asking(null) });
      await crypto.bootstrapSecretStorage({ createSecretStorageKey: async () => key, setupNewKeyBackup: true });
      return { recoveryKey: key.encodedPrivateKey };
    },

    async recover({ recoveryKey }) {
      const crypto = app.client.getCrypto();
      privateKey = decodeRecoveryKey(recoveryKey);
      // Secret keys are taken only for an identity whose public keys are known.
      await crypto.userHasCrossSigningKeys(app.client.getUserId(), true);
      await crypto.bootstrapCrossSigning({});
      await crypto.loadSessionBackupPrivateKeyFromSecretStorage();
      await crypto.checkKeyBackupAndEnable();
    },

    async sendInSlashedSession({ room, text }) {
      const send = async (words) => {
        const { event_id: event } = await app.client.sendTextMessage(room, words);
        return app.client.getRoom(room).findEventById(event).getWireContent().session_id;
      };

      // Half of all IDs have one: 40 tries without are one in 10^12.
      for (let attempt = 0; attempt < 40; attempt++) {
        await app.client.getCrypto().forceDiscardSession(room);
        const session = await send(`attempt ${attempt}`);
        if (session.includes('/')) {
          await send(text);
          return { session };
        }
      }

      throw new Error('no session ID with a slash in 40');
    },

    async resetIdentity({ code }) {
      const crypto = app.client.getCrypto();
      await crypto.resetEncryption(asking(code));
      await crypto.bootstrapSecretStorage({ createSecretStorageKey });
      return { masterKey: await crypto.getCrossSigningKeyId() };
    },

    endSession: ({ session, code }) => asking(code)((auth) => app.client.deleteDevice(session, auth ?? undefined)),
  };

  return { cryptoCallbacks, instructions };
}
